def document(rows): pass
