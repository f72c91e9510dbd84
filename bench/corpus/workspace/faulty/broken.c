#include <stdio.h>
#include <string.h>
struct order { char id[8]; int count; };
static int unused(int a) { return a; }
int total(struct order *orders, unsigned n) {
  int sum;
  for (int i = 0; i < n; i++) sum += orders[i].count;
  if (sum = 0) printf("%s orders\n", n);
}
int main(void) {
  struct order o; strcpy(o.id, "far-too-long-an-id");
  char *p = 5; undeclared(o); o.price = 3;
  return total(&o, 1) == "none";
}
