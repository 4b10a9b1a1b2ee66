// Counts what a program takes from the heap; preloaded into it, whatever it is linked with.
//
//   BENCH_ALLOCATIONS=FILE LD_PRELOAD=libbench_allocations.so PROGRAM...
//
// FILE holds the number of calls of malloc, calloc, realloc and the aligned ones when the program
// has ended. glibc keeps the allocators themselves reachable under other names, so that nothing
// here looks up a symbol while the program starts.
//
// Threads: every function may be called from any thread.
#include <fcntl.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstddef>
#include <cstdio>
#include <cstdlib>

extern "C" {
void* __libc_malloc(size_t size);
void* __libc_calloc(size_t count, size_t size);
void* __libc_realloc(void* old, size_t size);
void* __libc_memalign(size_t alignment, size_t size);
}

namespace {

std::atomic<unsigned long long> calls{0};

void* Counted(void* memory) {
  calls.fetch_add(1, std::memory_order_relaxed);
  return memory;
}

__attribute__((destructor)) void Report() {
  const char* const path = std::getenv("BENCH_ALLOCATIONS");
  if (path == nullptr) return;
  const int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  if (fd < 0) return;
  char text[32];
  const int size = std::snprintf(text, sizeof text, "%llu\n", calls.load());
  (void)!write(fd, text, static_cast<size_t>(size));
  (void)close(fd);
}

}  // namespace

extern "C" {
void* malloc(size_t size) { return Counted(__libc_malloc(size)); }
void* calloc(size_t count, size_t size) { return Counted(__libc_calloc(count, size)); }
void* realloc(void* old, size_t size) { return Counted(__libc_realloc(old, size)); }
void* memalign(size_t alignment, size_t size) { return Counted(__libc_memalign(alignment, size)); }
void* aligned_alloc(size_t alignment, size_t size) {
  return Counted(__libc_memalign(alignment, size));
}
int posix_memalign(void** out, size_t alignment, size_t size) {
  void* const memory = Counted(__libc_memalign(alignment, size));
  if (memory == nullptr) return ENOMEM;
  *out = memory;
  return 0;
}
}
