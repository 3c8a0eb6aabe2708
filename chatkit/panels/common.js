/* How panels make elements; `kernel.js` stands before this file, and the file of one panel behind it. */

/** An element with a class, some properties, and children; a child is a string, a node, or words {en: …, th: …}. */
function make(tag, name, properties = {}, ...children) {
  const element = document.createElement(tag);
  element.className = name;
  for (const [key, value] of Object.entries(properties)) {
    if (key in element) element[key] = value;
    else element.setAttribute(key, value);
  }
  return fill(element, ...children);
}

function fill(element, ...children) {
  element.replaceChildren(...children.flatMap((child) => (isWords(child) ? spoken(child) : [child])));
  return element;
}

const isWords = (value) => value !== null && typeof value === "object" && !(value instanceof Node);

/** Words as one span for each language, so that a screen reader and the reading switch know which is which. */
function spoken(words) {
  return Object.entries(words).map(([lang, text]) => make("span", `chatkit-${lang}`, { lang }, text));
}

const plain = (words) => (isWords(words) ? Object.values(words).join(" · ") : words);
