// Nigerian mobile numbers: how people write them, and the network that first issued each prefix.
// A guess only, since a number may have been ported; a real gateway knows the network.

const NETWORKS = [
  {
    name: "MTN",
    code: "62130",
    prefixes: "0703 0704 0706 0803 0806 0810 0813 0814 0816 0903 0906 0913 0916 07025 07026",
  },
  {
    name: "Airtel",
    code: "62120",
    prefixes: "0701 0708 0802 0808 0812 0901 0902 0904 0907 0911 0912 0917",
  },
  { name: "Glo", code: "62150", prefixes: "0705 0805 0807 0811 0815 0905 0915" },
  { name: "9mobile", code: "62160", prefixes: "0809 0817 0818 0908 0909 0919" },
].map((network) => ({ ...network, prefixes: network.prefixes.split(" ") }));

const UNKNOWN = { name: "Roaming", code: "99999" };

/** `0803 123 4567`, `234803...` or `+234803...` as `+2348031234567`; null when it is no number. */
export function international(typed) {
  const digits = typed.replace(/[\s().-]/g, "").replace(/^00/, "+");
  if (/^0[789]\d{9}$/.test(digits)) return "+234" + digits.slice(1);
  if (/^234[789]\d{9}$/.test(digits)) return "+" + digits;
  return /^\+[1-9]\d{6,14}$/.test(digits) ? digits : null;
}

/** The network's name and its code as Africa's Talking writes it. */
export function networkOf(msisdn) {
  const local = msisdn.replace(/^\+234/, "0");
  const issued = ({ prefixes }) => prefixes.some((prefix) => local.startsWith(prefix));
  return NETWORKS.find(issued) ?? UNKNOWN;
}
