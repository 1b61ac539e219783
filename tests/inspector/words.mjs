// Prints what the inspector's app says, both languages, as JSON: the members of its two files of texts.

import { TEXTS as de } from "../../verifiers/inspector/app/texts_de.js";
import { TEXTS as en } from "../../verifiers/inspector/app/texts_en.js";

process.stdout.write(JSON.stringify({ de, en }));
