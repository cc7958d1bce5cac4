/** Numbers and times in words. */

/** `9 s`, `3 min 20 s`, `2 h 5 min`. */
export function duration(seconds) {
  const whole = Math.round(seconds);
  if (whole < 60) return `${seconds > 0 && seconds < 9.95 ? seconds.toFixed(1) : whole} s`;
  const [large, small, names] = whole < 3600 ? [60, 1, ["min", "s"]] : [3600, 60, ["h", "min"]];
  const rest = Math.floor((whole % large) / small);
  return `${Math.floor(whole / large)} ${names[0]}${rest ? ` ${rest} ${names[1]}` : ""}`;
}

/** How long ago a time (ISO) was: `just now`, `5 minutes ago`, `3 days ago`; the date where that is long. */
export function ago(iso, now = Date.now()) {
  const seconds = (now - Date.parse(iso)) / 1000;
  if (Number.isNaN(seconds)) return "";
  if (seconds < 60) return "just now";
  const steps = [["minute", 60], ["hour", 3600], ["day", 86400]];
  const [unit, size] = steps.findLast(([, size]) => seconds >= size);
  if (unit === "day" && seconds > 30 * size) return new Date(iso).toLocaleDateString("en", { dateStyle: "medium" });
  return new Intl.RelativeTimeFormat("en").format(-Math.floor(seconds / size), unit);
}

/** A share in per cent without its sign, `57.4`; an en dash for none. */
export const points = (share) => (share === null || share === undefined ? "–" : (100 * share).toFixed(1));

/** An interval of shares, `55.8 to 59.0`. */
export const range = (interval) => (interval ? `${points(interval[0])} to ${points(interval[1])}` : "–");

/** A setting's value as one reads it. */
export function shown(value) {
  if (value === null || value === undefined) return "–";
  if (typeof value === "number" && !Number.isInteger(value)) return String(Number(value.toPrecision(4)));
  if (Array.isArray(value)) return value.length ? value.map(shown).join(", ") : "none";
  if (typeof value === "object") return Object.entries(value).map(([name, one]) => `${name} ${shown(one)}`).join(", ");
  return String(value);
}

/** What a net's hyper-parameters are bound to: `kernel 5, p 0.24`; "" where it has none. */
export const bound = (values) => Object.entries(values).map(([name, value]) => `${name} ${shown(value)}`).join(", ");

/** A test's p-value: `p = 0.04`, `p < 0.001`. */
export const chance = (p) => (p < 0.001 ? "p < 0.001" : `p = ${Number(p.toPrecision(2))}`);

/** An address behind the #, of parts and a query. */
export function link(parts, query = []) {
  const words = new URLSearchParams(query).toString();
  return `#/${parts.map(encodeURIComponent).join("/")}${words ? `?${words}` : ""}`;
}
