/** Colours from the styles, where a canvas needs them. */

/** The colour of an emotion, as CSS; a class that is no known emotion is gray. */
export const colour = (emotion) => `var(--${CSS.escape(emotion)}, var(--gray))`;

/**
 * CSS colours as a canvas takes them.
 *
 * @param {string[]} values such as `var(--happy)`
 * @param {string} scheme light or dark; "" for what the page is
 */
export function paints(values, scheme = "") {
  const probe = document.createElement("span");
  if (scheme) probe.style.colorScheme = scheme;
  document.body.append(probe);
  const painted = values.map((value) => {
    probe.style.color = value;
    return getComputedStyle(probe).color;
  });
  probe.remove();
  return painted;
}
