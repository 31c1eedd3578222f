// Small help with the document.

/** Finds the element marked `data-part="name"` inside `root`. */
export function partsOf(root) {
  return (name) => root.querySelector(`[data-part="${name}"]`);
}

/** An element of `tag` and `className` that holds `children`: elements, or text shown as it is. */
export function element(tag, className, ...children) {
  const made = document.createElement(tag);
  if (className) made.className = className;
  made.append(...children);
  return made;
}
