import { z } from "zod";
type Order = { id: number; items: { name: string; count: number }[] };
const Schema = z.object({ id: z.number(), items: z.array(z.string()) });
export function load(text: string): Order { return Schema.parse(JSON.parse(text)); }
export const total = (order: Order) => order.items.reduce((sum, item) => sum + item.cuont, "0");
function later(order?: Order) { return order.items.length + order.id.toFixed(2); }
const orders: Map<string, Order> = new Map([["a", { id: "1", items: [] }]]);
for (const order of orders) { console.log(order.id); }
interface Repository<T extends { id: number }> { find(id: T["id"]): Promise<T | undefined>; save(value: T): void }
class Memory implements Repository<Order> { find(id: string) { return undefined; } }
