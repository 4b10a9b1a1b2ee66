// bizond: the composition root. What the rooms need of each other is put together in app/.
#include <malloc.h>

#include "app/composition.h"
#include "cli/command_line.h"

int main(int argc, char** argv) {
  // A worker's thread is short-lived: an arena each would keep the memory of every one that ever
  // ran.
  mallopt(M_ARENA_MAX, 2);
  return bizond::RunCommandLine(argc, argv, bizond::BuiltInVerbs());
}
