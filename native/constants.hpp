// Made by native/constants.py; do not edit.
#pragma once

namespace xent_constants {
constexpr double kLn2_1 = 0x1.62e42fefa3000p-1;
constexpr double kLn2_2 = 0x1.3de6af278e000p-42;
constexpr double kLn2_3 = 0x1.9cc01f97b57a0p-83;
constexpr double kLog2e_1 = 0x1.71547652b82fep+0;
constexpr double kBits1 = 0x1.71547652b82fep+0;
constexpr double kBits2 = 0x1.777d0ffda0d24p-56;
constexpr double kBans1 = 0x1.bcb7b1526e50ep-2;
constexpr double kBans2 = 0x1.95355baaafad3p-57;
// (2 atanh(s) - 2s) / s^3 in s^2, ratios within 1.51; relative error 2^-54.0
constexpr double kLog[8] = {
    0x1.5555555555555p-1,
    0x1.999999999a07bp-2,
    0x1.24924923b7d37p-2,
    0x1.c71c7310df98cp-3,
    0x1.745c9d4a2bad5p-3,
    0x1.3b2c1e48a0d9ap-3,
    0x1.0e5f9f71fa980p-3,
    0x1.17eef64248585p-3};
// (e^r - 1 - r) / r^2, |r| <= ln 2 / 2; relative error 2^-57.6
constexpr double kExp[11] = {
    0x1.0000000000000p-1,
    0x1.5555555555557p-3,
    0x1.5555555555556p-5,
    0x1.11111111100bep-7,
    0x1.6c16c16c162c3p-10,
    0x1.a01a01abf85abp-13,
    0x1.a01a01a6e1e2ap-16,
    0x1.71de01fdbf9cap-19,
    0x1.27e4db46cddd1p-22,
    0x1.af4e554377204p-26,
    0x1.1f7340dbc337ep-29};
// 2^r, |r| <= 1/2: 1, and then (2^r - 1) / r; relative error 2^-31.8
constexpr double kExp2Short[8] = {
    0x1.0000000000000p+0,
    0x1.62e42fefa39efp-1,
    0x1.ebfbe045f4d3cp-3,
    0x1.c6b08d883dca1p-5,
    0x1.3b2a1b7152befp-7,
    0x1.5d879ead06a82p-10,
    0x1.443fffc90db59p-13,
    0x1.00a581594758ep-16};
// 2^r, |r| <= 1/2: 1, and then (2^r - 1) / r; relative error 2^-43.3
constexpr double kExp2[10] = {
    0x1.0000000000000p+0,
    0x1.62e42fefa39efp-1,
    0x1.ebfbdff823cedp-3,
    0x1.c6b08d7047e52p-5,
    0x1.3b2ab7181b755p-7,
    0x1.5d87fe86fe88ep-10,
    0x1.4308ac85aa947p-13,
    0x1.ffcb9515a8016p-17,
    0x1.63d136366db24p-20,
    0x1.b63880a30e9ffp-24};
// (2^r - 1) / r, |r| <= 1/2; relative error 2^-43.3
constexpr double kExp2Less1[9] = {
    0x1.62e42fefa39efp-1,
    0x1.ebfbdff823cedp-3,
    0x1.c6b08d7047e52p-5,
    0x1.3b2ab7181b755p-7,
    0x1.5d87fe86fe88ep-10,
    0x1.4308ac85aa947p-13,
    0x1.ffcb9515a8016p-17,
    0x1.63d136366db24p-20,
    0x1.b63880a30e9ffp-24};
// 2 atanh(s) / s in s^2, |s| <= 1/3; relative error 2^-33.2
constexpr double kLog1pShort[6] = {
    0x1.ffffffff2e000p+0,
    0x1.5555597b077dap-1,
    0x1.999638bb7f313p-2,
    0x1.25122810f580ap-2,
    0x1.b63e15bc9ce88p-3,
    0x1.f396553366952p-3};
// 2 atanh(s) / s in s^2, |s| <= 1/3; relative error 2^-43.8
constexpr double kLog1pBrief[8] = {
    0x1.ffffffffffdc7p+0,
    0x1.5555555694e90p-1,
    0x1.999997c399b66p-2,
    0x1.2492cc4fab44ap-2,
    0x1.c6f8ad634a6a2p-3,
    0x1.76fd5c9158713p-3,
    0x1.202b4d7a56a8fp-3,
    0x1.9afeeea008984p-3};
// (e^d - 1 - d - d^2/2) / d^3, |d| <= 1/2; relative error 2^-54.0
constexpr double kPsi[12] = {
    0x1.5555555555555p-3,
    0x1.5555555555555p-5,
    0x1.1111111111120p-7,
    0x1.6c16c16c16c1ep-10,
    0x1.a01a01a00ef0fp-13,
    0x1.a01a01a01479bp-16,
    0x1.71de3a84a10c3p-19,
    0x1.27e4fb8f228d8p-22,
    0x1.ae63a07779c78p-26,
    0x1.1eed340187c69p-29,
    0x1.6267cf434f12cp-33,
    0x1.94daa8b902cd5p-37};
// (e^d - 1 - d - d^2/2) / d^3, |d| <= 1/2; relative error 2^-37.5
constexpr double kPsiBrief[8] = {
    0x1.555555554e964p-3,
    0x1.555555555315ep-5,
    0x1.111111470921fp-7,
    0x1.6c16c1900d50ep-10,
    0x1.a018f3da7026bp-13,
    0x1.a0194dd9f66bdp-16,
    0x1.738d91cc76fdfp-19,
    0x1.290473ee4e120p-22};
// (((1+s) log(1+s) + (1-s) log(1-s)) / 2 - s^2/2) / s^4 in s^2, |s| <= 1/2; relative error 2^-52.9
constexpr double kJs[13] = {
    0x1.5555555555556p-4,
    0x1.1111111110f18p-5,
    0x1.24924924c92bbp-6,
    0x1.6c16c146bc942p-7,
    0x1.f07c2c318ba0fp-8,
    0x1.681521764c05bp-8,
    0x1.11288a5194058p-8,
    0x1.aa4185b2bcd0bp-9,
    0x1.68fa8a937dd48p-9,
    0x1.901d5d459c8e0p-10,
    0x1.064197b8df64bp-8,
    -0x1.93a4d59d7fffep-9,
    0x1.9e46630c83c12p-8};
// 1/k!, k = 3..12: the tail of e^r in double-double
constexpr double kFact[10] = {
    0x1.5555555555555p-3,
    0x1.5555555555555p-5,
    0x1.1111111111111p-7,
    0x1.6c16c16c16c17p-10,
    0x1.a01a01a01a01ap-13,
    0x1.a01a01a01a01ap-16,
    0x1.71de3a556c734p-19,
    0x1.27e4fb7789f5cp-22,
    0x1.ae64567f544e4p-26,
    0x1.1eed8eff8d898p-29};
// what rounding 1/k! left
constexpr double kFactLo[10] = {
    0x1.5555555555555p-57,
    0x1.5555555555555p-59,
    0x1.1111111111111p-63,
    -0x1.f49f49f49f49fp-65,
    0x1.a01a01a01a01ap-73,
    0x1.a01a01a01a01ap-76,
    -0x1.c154f8ddc6c00p-73,
    0x1.cbbc05b4fa99ap-76,
    -0x1.c062e06d1f209p-80,
    -0x1.2aec959e14c06p-83};
}  // namespace xent_constants
