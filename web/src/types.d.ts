// The words the modules share. Nothing here reaches the page.

/** Three shares of the outcomes rain, cloud and sun. */
export type Shares = readonly number[];

/** Everything that a link carries; see state.js for what is accepted. */
export interface State {
  chapter: string;
  unit: 'nats' | 'bits';
  x: number;
  y: number;
  yhat: number;
  eps: number;
  p: Shares;
  q: Shares;
  n: readonly number[];
  k: number;
  z: readonly number[];
  tau: number;
  eta: number;
  step: number;
}

export type Change = Partial<State>;

/** What a notebook (anywidget) or the stand-alone page gives: one key, `state`. */
export interface Model {
  get(key: 'state'): string;
  set(key: 'state', value: string): void;
  save_changes(): void;
  on(event: string, listener: () => void): void;
  off(event: string, listener: () => void): void;
  /** Where a hash leads to this page; a notebook has no such place. */
  address?(): string;
}

/** What a chapter, a figure or a control may ask of the page it stands in. */
export interface Context {
  readonly root: HTMLElement;
  readonly state: State;
  /** Changes the state; data-state at once, read-outs and figures in the next frame. */
  set(change: Change): void;
  /** Moves one share of a vector; the ratio of the others stays, also after going to 1 and back. */
  moveShare(name: 'p' | 'q', place: number, share: number): void;
  /** An id that no other copy of the page has. */
  id(name: string): string;
  /** Draws again in the next frame though the state is the same. */
  redraw(): void;
  /** Says a sentence to screen readers, once things are at rest. */
  say(text: string): void;
  /** Ends with this copy of the page: pass it to addEventListener. */
  readonly signal: AbortSignal;
}

export interface Slider {
  /** A key of the state; of a vector, all its parts. */
  name: 'x' | 'y' | 'yhat' | 'eps' | 'p' | 'q' | 'n' | 'k' | 'z' | 'tau' | 'eta' | 'step';
  label: string;
}

export interface Quantity {
  /** The value of data-quantity: named as in xent where xent has it. */
  name: string;
  label: string;
  /** Natural numbers are the same in nats and bits. */
  natural?: boolean;
  /** In nats. */
  value(state: State): number;
}

export interface Size {
  width: number;
  height: number;
  /** Pixels of one em of the figure's text. */
  em: number;
}

export interface Figure {
  element: HTMLElement;
  /** Draws; called in a frame, and only while the chapter is shown. */
  update(state: State): void;
}

export interface Preset {
  /** The value of data-preset. */
  id: string;
  label: string;
  change(state: State): Change;
}

export interface Question {
  ask: string;
  choices: string[];
  /** Place of the right choice. */
  right: number;
  /** Why, in one or two sentences; shown after the check. */
  why: string;
  /** What the figures should show with the answer. */
  show: Change;
}

export interface Program {
  /** Quantities that the program prints, one a line. */
  prints: string[];
  code: string;
}

export interface Chapter {
  id: string;
  title: string;
  /** One sentence: what this chapter's idea is, in plain words. */
  lead: string;
  /** Paragraphs of text; `*word*` is emphasised, `$p_i$` is set as mathematics. */
  text: string[];
  /** One line, for math(). */
  formula: string;
  /** Headline first. */
  quantities: Quantity[];
  sliders: Slider[];
  presets: Preset[];
  figures: ((context: Context) => Figure)[];
  question: Question;
  /** A mistake that is often taught, and what is right. */
  mind: string;
  python(state: State): Program;
  /** What the live region says at rest: one sentence with the main number. */
  sentence(state: State): string;
  /** Controls that only this chapter has (play, a switch): an element each. */
  extras?: ((context: Context) => HTMLElement)[];
}
