/* Every sentence in English and in Thai, switched at any time. */

export const $ = (id) => document.getElementById(id);

const TEXTS = JSON.parse($("texts").textContent);

export const NOTHING = { en: "", th: "" };

/** The sentence as the wire carries it too: `{en: …, th: …}`. */
export function both(key, values = {}) {
  const shown = (value, lang) => (typeof value === "number" ? value.toLocaleString("en") : (value[lang] ?? value));
  const fill = (lang) => TEXTS[lang][key].replace(/\{(\w+)\}/g, (_, name) => shown(values[name], lang));
  return { en: fill("en"), th: fill("th") };
}

const NOBODY = "Someone"; // the name on the wire of who gave none

/** A name as it is shown: who gave none has a word in each language. */
export const called = (name) => (name === NOBODY ? both("page_someone") : { en: name, th: name });

/** A name inside a sentence: isolated, so that a right-to-left name turns no word around it. */
export function isolated(name) {
  const { en, th } = called(name);
  return { en: `\u2068${en}\u2069`, th: `\u2068${th}\u2069` };
}

/** The first language of the device that this page speaks. */
export function deviceLanguage() {
  return navigator.languages.map((tag) => tag.slice(0, 2)).find((tag) => tag in TEXTS) ?? "en";
}

/** Puts a sentence where the reader finds it, and leaves both languages there for the switch. */
export function write(node, sentence, attribute = "") {
  node.sentences = { ...node.sentences, [attribute]: sentence };
  node.dataset.said = "";
  const words = sentence[document.documentElement.lang];
  if (attribute) node.setAttribute(attribute, words);
  else node.textContent = words;
}

/** The sentences that stand in index.html as `data-say="key"` and `data-say-placeholder="key"`. */
export function writeAll() {
  for (const node of document.querySelectorAll("*")) {
    for (const { name, value } of [...node.attributes]) {
      if (name.startsWith("data-say")) write(node, both(value), name.slice("data-say-".length));
    }
  }
}

/** Everything on the page in this language from now on; the switch offers the other one. */
export function speak(lang) {
  document.documentElement.lang = lang;
  const other = lang === "en" ? "th" : "en";
  $("switch").lang = other; // a screen reader says "ไทย" in Thai
  $("switch").textContent = { en: "English", th: "ไทย" }[other];
  for (const node of document.querySelectorAll("[data-said]")) {
    for (const [attribute, sentence] of Object.entries(node.sentences)) write(node, sentence, attribute);
  }
}
