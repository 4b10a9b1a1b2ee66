// A store on a disk that fills up: clean errors, reads go on, and all is well when there is room.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/resource.h>

#include <set>

#include "tests/store/store_fixture.h"

namespace bizond {
namespace {

using ::testing::IsEmpty;

class FullDisk : public StoreFiles {};

// Fills the disk, sees clean errors, makes room, and goes on. In a child: its limits are its own.
void FillAndRecover(const std::string& directory, Clock* clock,
                    const std::function<void()>& make_room, int out) {
  StoreOptions options;
  options.directory = directory;
  options.clock = clock;
  auto opened = OpenSqliteStore(options);
  if (!opened) throw std::runtime_error("open: " + Describe(opened.error()));
  const std::unique_ptr<Store> store = std::move(*opened);
  std::set<std::string> acknowledged;
  std::optional<Error> error;
  for (int i = 0; i < 20'000 && !error; ++i) {
    const std::string name = fmt::format("job-{}-{}", i, std::string(500, 'x'));
    const Status written = store->Write([&](StoreTx& tx) { return PutJobNamed(tx, name); });
    if (written) {
      acknowledged.insert(name);
    } else {
      error = written.error();
    }
  }
  if (!error) throw std::runtime_error("the disk never filled");
  if (error->code != "store_unavailable" || error->kind != ErrorKind::kTransient) {
    throw std::runtime_error("not a clean error: " + Describe(*error));
  }
  if (store->Health().ok) throw std::runtime_error("a full disk is not well");
  // Reads go on.
  const auto read = store->Query([&](const StoreReader& reader) { return reader.ListJobs({}); });
  if (!read) throw std::runtime_error("read: " + Describe(read.error()));
  make_room();
  const Status later = store->Write([](StoreTx& tx) { return PutJobNamed(tx, "later"); });
  if (!later) throw std::runtime_error("later: " + Describe(later.error()));
  if (!store->Health().ok) throw std::runtime_error("well again: " + store->Health().problem);
  for (const std::string& name : acknowledged) {
    const auto job = store->Query([&](const StoreReader& reader) { return reader.GetJob(name); });
    if (!job || !*job) throw std::runtime_error("lost " + name);
  }
  if (write(out, "k", 1) != 1) throw std::runtime_error("pipe");
}

TEST_F(FullDisk, AFileThatMayNotGrowIsACleanErrorAndPasses) {
  Child child([&](int out) {
    signal(SIGXFSZ, SIG_IGN);
    const rlimit little{3 << 20, RLIM_INFINITY};
    if (setrlimit(RLIMIT_FSIZE, &little) != 0) throw std::runtime_error("setrlimit");
    FillAndRecover(
        directory_.path(), &clock_,
        [] {
          const rlimit much{RLIM_INFINITY, RLIM_INFINITY};
          if (setrlimit(RLIMIT_FSIZE, &much) != 0) throw std::runtime_error("raise");
        },
        out);
  });
  EXPECT_EQ(child.Read(1), "k");
  EXPECT_EQ(child.Wait(), 0);
  const auto store = Open();
  EXPECT_THAT(Ills(), IsEmpty());
}

TEST_F(FullDisk, AFullFileSystemIsACleanErrorAndPasses) {
  constexpr int kNotAllowed = 77;
  const std::string mount_point = directory_.path();
  Child child([&](int out) {
    // A mount of its own, which nobody else sees and which goes with the process.
    if (unshare(CLONE_NEWNS) != 0 ||
        mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0 ||
        mount("tmpfs", mount_point.c_str(), "tmpfs", 0, "size=3m") != 0) {
      _exit(kNotAllowed);
    }
    FillAndRecover(
        mount_point + "/state", &clock_,
        [&] {
          if (mount("tmpfs", mount_point.c_str(), "tmpfs", MS_REMOUNT, "size=64m") != 0)
            throw std::runtime_error("remount");
        },
        out);
  });
  const std::string done = child.Read(1);
  const int code = child.Wait();
  // The test above meets the same errors without a mount.
  if (code == kNotAllowed) GTEST_SKIP() << "mounting a tmpfs needs root and CAP_SYS_ADMIN";
  EXPECT_EQ(done, "k");
  EXPECT_EQ(code, 0);
}

}  // namespace
}  // namespace bizond
