const { promises: fs } = require("fs");
const { z } = require("zod");
const undici = require("undici");

const Order = z.object({ id: z.number(), items: z.array(z.object({ name: z.string(), count: z.number().int().positive() })), placed: z.string().datetime() });

async function main() {
  const attempts = [
    () => Order.parse({ id: "7", items: [{ name: 3, count: -1.5 }, {}], placed: "yesterday" }),
    () => fs.readFile("/srv/app/none.json"),
    () => undici.request("http://127.0.0.1:9/orders"),
    () => JSON.parse('{"a": 1,}'),
    () => null.length,
    () => require("./missing-module"),
    () => new Intl.NumberFormat("xx-invalid-locale-name", { style: "currency" }),
  ];
  for (const attempt of attempts) {
    try { await attempt(); } catch (error) { console.error(error.stack, JSON.stringify(error, null, 2)); }
  }
  Promise.reject(new AggregateError([new TypeError("a"), new RangeError("b")], "several things went wrong"));
}
main();
