// Everything the pages do in the browser. Each module looks for its own data-attributes and is idle without them.
import "./copy.js";
import "./dialog.js";
import "./jump.js";
import "./keys.js";
import "./walk.js";
import "./toast.js";
import "./forms.js";
import "./listing.js";
import "./menu.js";
import "./live.js";
import "./state.js";
import "./upload.js";
import "./chart.js";
import "./chat.js";
import "./playground.js";
