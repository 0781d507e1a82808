// What the scripts that show streamed answers share.

/** A small fact, as text. */
export function span(words) {
  const element = document.createElement("span");
  element.textContent = words;
  return element;
}

/** What an answer that is none says. */
export async function refusal(response) {
  const text = await response.text();
  try {
    const answer = JSON.parse(text);
    return answer.detail || answer.error?.message || answer.title || `The server answered ${response.status}.`;
  } catch {
    return `The server answered ${response.status}.`;
  }
}

/** The data of each server-sent event, as text. */
export async function* events(body) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (;;) {
    const { value, done } = await reader.read();
    if (done) break;
    rest += value;
    const lines = rest.split(/\r?\n/);
    rest = lines.pop();
    for (const line of lines) {
      if (line.startsWith("data:")) yield line.slice(5).trim();
    }
  }
  if (rest.startsWith("data:")) yield rest.slice(5).trim();
}
