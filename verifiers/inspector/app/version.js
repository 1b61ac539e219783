/** Which version of the app this is: the server serves each below an address of its own (`<version>/app/…`). */

export const VERSION = new URL("..", import.meta.url).pathname.split("/").at(-2) ?? "";
