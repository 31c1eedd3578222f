// What a screen costs on the air. Source: 3GPP TS 23.038 section 6.2.1, the default alphabet and
// its extension table; a letter outside both turns the whole text to UCS-2.

const BASIC = new Set(
  "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?" +
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà",
);
const EXTENDED = new Set("\f^{}\\[~]|€");

const SEPTETS_MAX = 160;
const UCS2_MAX = 70; // What the 140 octets of 160 septets hold at two octets a letter.

/** The alphabet `text` needs, its cost in that alphabet's units, and how many units fit. */
export function measure(text) {
  let used = 0;
  for (const letter of text) {
    if (BASIC.has(letter)) used += 1;
    else if (EXTENDED.has(letter)) used += 2;
    else return { alphabet: "UCS-2", used: text.length, room: UCS2_MAX };
  }
  return { alphabet: "GSM-7", used, room: SEPTETS_MAX };
}
