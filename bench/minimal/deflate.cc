// The least that gzip takes: zlib's level 1 over a file, in one thread, the output thrown away.
//
//   bench_deflate FILE
#include <fcntl.h>
#include <unistd.h>
#include <zlib.h>

#include <cstdio>
#include <vector>

int main(int argc, char** argv) {
  const int fd = argc == 2 ? open(argv[1], O_RDONLY | O_CLOEXEC) : -1;
  z_stream z{};
  if (fd < 0 ||
      deflateInit2(&z, Z_BEST_SPEED, Z_DEFLATED, MAX_WBITS + 16, 8, Z_DEFAULT_STRATEGY) != Z_OK) {
    (void)std::fputs("usage: bench_deflate FILE\n", stderr);
    return 2;
  }
  std::vector<unsigned char> in(1 << 20);
  std::vector<unsigned char> out(1 << 20);
  ssize_t got = 0;
  do {
    got = read(fd, in.data(), in.size());
    if (got < 0) return 1;
    z.next_in = in.data();
    z.avail_in = static_cast<uInt>(got);
    do {
      z.next_out = out.data();
      z.avail_out = static_cast<uInt>(out.size());
      if (deflate(&z, got == 0 ? Z_FINISH : Z_NO_FLUSH) == Z_STREAM_ERROR) return 1;
    } while (z.avail_out == 0);
  } while (got > 0);
  (void)std::printf("%lu\n", z.total_out);
  return deflateEnd(&z) == Z_OK ? 0 : 1;
}
