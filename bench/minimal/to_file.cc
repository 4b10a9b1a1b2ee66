// The least that NDJSON to a file takes, in one thread: find each record's key and cursor, write
// bizon's columns, make them durable, publish them.
//
//   bench_to_file replace INPUT TARGET          full refresh: a temp file, fsync, rename
//   bench_to_file append INPUT TARGET CURSOR    incremental: what is above CURSOR is staged and
//   made
//                                               durable, then appended to TARGET and made durable
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdio>
#include <cstring>
#include <filesystem>
#include <memory>
#include <string>

#include "bench/minimal/columns.h"
#include "bench/minimal/records.h"

namespace bizond::bench {
namespace {

constexpr size_t kBufferBytes = 1 << 20;

char* Put(std::string_view text, char* out) {
  std::memcpy(out, text.data(), text.size());
  return out + text.size();
}

void WriteAll(int fd, const char* data, size_t size) {
  while (size > 0) {
    const ssize_t wrote = write(fd, data, size);
    if (wrote < 0) Die("write");
    data += wrote;
    size -= static_cast<size_t>(wrote);
  }
}

int Create(const std::string& path) {
  const int fd = open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  if (fd < 0) Die(path);
  return fd;
}

void SyncDirectoryOf(const std::string& path) {
  const std::string directory = std::filesystem::absolute(path).parent_path().string();
  const int fd = open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0 || fsync(fd) != 0) Die(directory);
  (void)close(fd);
}

// Everything above `cursor` as lines of `path`, durable.
void Stage(const char* input, const std::string& path, std::string_view cursor) {
  Records records(input);
  const int fd = Create(path);
  size_t capacity = 2 * kBufferBytes;
  auto buffer = std::make_unique_for_overwrite<char[]>(capacity);
  char* out = buffer.get();
  const uint64_t seed = static_cast<uint64_t>(getpid());
  uint64_t row = 0;
  uint64_t block = 0;
  std::string extracted_at;
  std::string between;
  for (MinimalRecord record; records.Next(&record);) {
    if (block != records.blocks()) {
      block = records.blocks();
      extracted_at = Instant();
      between = R"(","bizon_extracted_at":")" + extracted_at + R"(","bizon_loaded_at":")" +
                Instant() + R"(","source_record_id":")";
    }
    if (record.cursor <= cursor) continue;
    const auto used = static_cast<size_t>(out - buffer.get());
    const size_t needed = used + 512 + (record.data.size() + record.key.size()) * 6;
    if (needed > capacity) {
      auto larger = std::make_unique_for_overwrite<char[]>(needed * 2);
      std::memcpy(larger.get(), buffer.get(), used);
      buffer = std::move(larger);
      capacity = needed * 2;
      out = buffer.get() + used;
    }
    out = Put(R"({"bizon_id":")", out);
    WriteId(seed, row++, out);
    out = Put(between, out + kIdBytes);
    out = Escape(record.key, out);
    out = Put(R"(","source_timestamp":")", out);
    out = Put(extracted_at, out);
    out = Put(R"(","source_data":")", out);
    out = Escape(record.data, out);
    out = Put("\"}\n", out);
    if (out - buffer.get() >= static_cast<ptrdiff_t>(kBufferBytes)) {
      WriteAll(fd, buffer.get(), static_cast<size_t>(out - buffer.get()));
      out = buffer.get();
    }
  }
  WriteAll(fd, buffer.get(), static_cast<size_t>(out - buffer.get()));
  if (fsync(fd) != 0) Die("fsync");
  (void)close(fd);
}

void Append(const std::string& from, const std::string& to) {
  const int in = open(from.c_str(), O_RDONLY | O_CLOEXEC);
  const int out = open(to.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
  if (in < 0 || out < 0) Die(to);
  auto buffer = std::make_unique_for_overwrite<char[]>(kBufferBytes);
  while (true) {
    const ssize_t got = read(in, buffer.get(), kBufferBytes);
    if (got < 0) Die("read");
    if (got == 0) break;
    WriteAll(out, buffer.get(), static_cast<size_t>(got));
  }
  if (fsync(out) != 0) Die("fsync");
  (void)close(in);
  (void)close(out);
}

int Main(int argc, char** argv) {
  const std::string_view mode = argc > 3 ? argv[1] : "";
  if (mode == "replace" && argc == 4) {
    const std::string target = argv[3];
    Stage(argv[2], target + ".temp", "");
    if (std::rename((target + ".temp").c_str(), target.c_str()) != 0) Die("rename");
    SyncDirectoryOf(target);
    return 0;
  }
  if (mode == "append" && argc == 5) {
    const std::string target = argv[3];
    const std::string staging = target + ".incremental";
    Stage(argv[2], staging, argv[4]);
    SyncDirectoryOf(staging);
    Append(staging, target);
    if (unlink(staging.c_str()) != 0) Die("unlink");
    SyncDirectoryOf(target);
    return 0;
  }
  (void)std::fputs("usage: bench_to_file replace|append INPUT TARGET [CURSOR]\n", stderr);
  return 2;
}

}  // namespace
}  // namespace bizond::bench

int main(int argc, char** argv) { return bizond::bench::Main(argc, argv); }
