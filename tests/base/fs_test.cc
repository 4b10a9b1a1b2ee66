// Files: reading, writing, what is refused and how it is said.
#include "base/fs.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <csignal>

#include "base/file_error.h"
#include "tests/base/temporary_directory.h"

namespace bizond {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

class FsTest : public ::testing::Test {
 protected:
  FsTest() : root_(Root::Open(directory_.path()).value()) {}

  std::string CodeOfOpen(std::string_view path, OpenMode mode = OpenMode::kRead) {
    const Result<File> file = root_.OpenFile(path, mode);
    return file ? "opened" : file.error().code;
  }

  TemporaryDirectory directory_;
  Root root_;
};

TEST_F(FsTest, WritesAndReadsBack) {
  File file = root_.OpenFile("a", OpenMode::kWrite).value();
  ASSERT_TRUE(file.WriteAll("hello world"));
  ASSERT_TRUE(file.WriteAllAt("W", 6));
  ASSERT_TRUE(file.Sync());
  file.StartWriteback(0, 11);
  EXPECT_EQ(directory_.Read("a"), "hello World");
  ASSERT_TRUE(file.SeekTo(6));
  char buffer[64];
  EXPECT_EQ(file.Read(buffer, sizeof buffer).value(), 5u);
  EXPECT_EQ(file.Read(buffer, sizeof buffer).value(), 0u);
  EXPECT_EQ(file.ReadAt(buffer, 5, 0).value(), 5u);
  EXPECT_EQ(std::string_view(buffer, 5), "hello");
  ASSERT_TRUE(file.Truncate(5));
  EXPECT_EQ(file.Info().value().size_bytes, 5u);
  EXPECT_EQ(file.path(), directory_.path() / "a");
}

TEST_F(FsTest, EachModeTreatsAnExistingFileAsItSays) {
  directory_.Write("a", "old");
  ASSERT_TRUE(root_.OpenFile("a", OpenMode::kWrite));
  EXPECT_EQ(directory_.Read("a"), "old");
  ASSERT_TRUE(root_.OpenFile("a", OpenMode::kAppend).value().WriteAll("+new"));
  EXPECT_EQ(directory_.Read("a"), "old+new");
  EXPECT_EQ(CodeOfOpen("a", OpenMode::kExclusive), "file_exists");
  ASSERT_TRUE(root_.OpenFile("a", OpenMode::kTruncate));
  EXPECT_EQ(directory_.Read("a"), "");
  ASSERT_TRUE(root_.OpenFile("b", OpenMode::kExclusive));
  EXPECT_EQ(CodeOfOpen("c"), "file_missing");
  EXPECT_FALSE(fs::exists(directory_.path() / "c"));
}

TEST_F(FsTest, OffsetsThatNoFileHasAreErrorsNotWraps) {
  File file = root_.OpenFile("a", OpenMode::kWrite).value();
  EXPECT_FALSE(file.Truncate(UINT64_MAX));
  EXPECT_FALSE(file.SeekTo(UINT64_MAX));
  EXPECT_FALSE(file.WriteAllAt("x", UINT64_MAX));
  char buffer[1];
  EXPECT_EQ(file.ReadAt(buffer, 1, UINT64_MAX).value(), 0u);
}

TEST_F(FsTest, RefusesWhatIsNoRegularFileWithoutBlocking) {
  fs::create_directory(directory_.path() / "directory");
  ASSERT_EQ(mkfifo((directory_.path() / "fifo").c_str(), 0600), 0);
  const int socket_fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  const std::string socket_path = directory_.path() / "socket";
  ASSERT_LT(socket_path.size(), sizeof address.sun_path);
  socket_path.copy(address.sun_path, socket_path.size());
  ASSERT_EQ(bind(socket_fd, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
  for (const char* name : {"directory", "fifo", "socket", ".", "directory/"}) {
    EXPECT_EQ(CodeOfOpen(name), "not_a_file") << name;
    EXPECT_EQ(CodeOfOpen(name, OpenMode::kAppend), "not_a_file") << name;
    EXPECT_EQ(CodeOfOpen(name, OpenMode::kTruncate), "not_a_file") << name;
  }
  const Error error = root_.OpenFile("fifo", OpenMode::kRead).error();
  EXPECT_EQ(error.kind, ErrorKind::kPermanent);
  EXPECT_THAT(error.message, HasSubstr("fifo is a FIFO"));
  close(socket_fd);
}

TEST_F(FsTest, ARefusedFifoDoesNotReleaseItsWriter) {
  const std::string path = directory_.path() / "fifo";
  ASSERT_EQ(mkfifo(path.c_str(), 0600), 0);
  const pid_t writer = fork();
  if (writer == 0) {
    // Blocks until somebody opens the other end.
    _exit(open(path.c_str(), O_WRONLY | O_CLOEXEC) >= 0 ? 0 : 1);
  }
  for (int i = 0; i < 200; ++i) ASSERT_EQ(CodeOfOpen("fifo"), "not_a_file");
  EXPECT_EQ(waitpid(writer, nullptr, WNOHANG), 0);
  kill(writer, SIGKILL);
  waitpid(writer, nullptr, 0);
}

TEST_F(FsTest, EmptyAndZeroByteNamesAreErrors) {
  EXPECT_EQ(CodeOfOpen(""), "file_missing");
  directory_.Write("a", "x");
  EXPECT_EQ(CodeOfOpen(std::string_view("a\0b", 3)), "file_missing");
  EXPECT_EQ(CodeOfOpen("./a"), "opened");
  EXPECT_EQ(CodeOfOpen(".//a"), "opened");
  EXPECT_EQ(CodeOfOpen(std::string(300, 'n')), "file_missing");
}

TEST_F(FsTest, PermissionErrorsNameTheFileAndWhatToDo) {
  directory_.Write("secret", "x");
  fs::create_directory(directory_.path() / "closed");
  fs::permissions(directory_.path() / "secret", fs::perms::none);
  fs::permissions(directory_.path() / "closed", fs::perms::owner_read | fs::perms::owner_exec);
  fs::permissions(directory_.path(), fs::perms(0555));
  EXPECT_TRUE(HoldsForOrdinaryUser([&] {
    const Result<File> read = root_.OpenFile("secret", OpenMode::kRead);
    return !read && read.error().code == "file_unreadable" &&
           read.error().kind == ErrorKind::kPermanent &&
           read.error().message.find("secret: Permission denied") != std::string::npos &&
           read.error().remedy.find("ls -ld") != std::string::npos;
  }));
  EXPECT_TRUE(HoldsForOrdinaryUser([&] {
    const Result<File> write = root_.OpenFile("closed/new", OpenMode::kWrite);
    return !write && write.error().code == "file_unwritable";
  }));
  EXPECT_TRUE(HoldsForOrdinaryUser([&] {
    const Status made = root_.MakeDirectories("new/deeper");
    return !made && made.error().code == "file_unwritable";
  }));
  EXPECT_TRUE(HoldsForOrdinaryUser([&] {
    const Status replaced = ReplaceFileDurably(root_, "secret", "y");
    return !replaced && replaced.error().code == "file_unwritable";
  }));
  fs::permissions(directory_.path(), fs::perms::owner_all);
}

// Not under ASan, whose own check of a pointer needs a pipe and so dies without descriptors.
#ifndef __SANITIZE_ADDRESS__
TEST_F(FsTest, RunningOutOfDescriptorsIsTransient) {
  directory_.Write("a", "x");
  EXPECT_TRUE(HoldsForOrdinaryUser([&] {
    const rlimit none{0, 0};
    setrlimit(RLIMIT_NOFILE, &none);
    const Result<File> file = root_.OpenFile("a", OpenMode::kRead);
    return !file && file.error().code == "too_many_files" &&
           file.error().kind == ErrorKind::kTransient;
  }));
}
#endif

TEST_F(FsTest, AFileThatMayNotGrowIsAnErrorAfterAPartialWrite) {
  File file = root_.OpenFile("a", OpenMode::kWrite).value();
  EXPECT_TRUE(HoldsForOrdinaryUser([&] {
    const rlimit limit{1000, 1000};
    setrlimit(RLIMIT_FSIZE, &limit);
    std::signal(SIGXFSZ, SIG_IGN);
    const Status written = file.WriteAll(std::string(5000, 'x'));
    return !written && written.error().code == "file_unwritable" &&
           file.Info().value().size_bytes == 1000;
  }));
}

TEST(FileError, GivesEveryErrnoAKindAndACode) {
  struct {
    int number;
    ErrorKind kind;
    const char* read_code;
    const char* write_code;
  } const rows[] = {
      {ENOSPC, ErrorKind::kTransient, "disk_full", "disk_full"},
      {EDQUOT, ErrorKind::kTransient, "disk_full", "disk_full"},
      {EMFILE, ErrorKind::kTransient, "too_many_files", "too_many_files"},
      {ENFILE, ErrorKind::kTransient, "too_many_files", "too_many_files"},
      {EACCES, ErrorKind::kPermanent, "file_unreadable", "file_unwritable"},
      {ENOENT, ErrorKind::kPermanent, "file_missing", "file_missing"},
      {EROFS, ErrorKind::kPermanent, "file_unwritable", "file_unwritable"},
      {EIO, ErrorKind::kPermanent, "io_error", "io_error"},
      {EXDEV, ErrorKind::kPermanent, "outside_roots", "outside_roots"},
      {12345, ErrorKind::kPermanent, "io_error", "io_error"},
  };
  for (const auto& row : rows) {
    const Error read = FileError(row.number, FileAccess::kRead, "open", "/d/f");
    EXPECT_EQ(read.kind, row.kind) << row.number;
    EXPECT_EQ(read.code, row.read_code);
    EXPECT_THAT(read.message, HasSubstr("cannot open /d/f: "));
    EXPECT_NE(read.remedy, "");
    EXPECT_EQ(FileError(row.number, FileAccess::kWrite, "open", "/d/f").code, row.write_code);
  }
  EXPECT_THAT(FileError(ENOENT, FileAccess::kRead, "open", "a'; rm -rf b").remedy,
              HasSubstr("'a'\\''; rm -rf b'"));
}

TEST_F(FsTest, ReadWholeFileReadsAtMostItsLimit) {
  directory_.Write("a", std::string(100'000, 'x'));
  const fs::path path = directory_.path() / "a";
  EXPECT_EQ(ReadWholeFile(path, 100'000).value().size(), 100'000u);
  EXPECT_EQ(ReadWholeFile(path, 99'999).error().code, "file_too_large");
  EXPECT_EQ(ReadWholeFile(path, 0).error().code, "file_too_large");
  EXPECT_EQ(ReadWholeFile(directory_.path(), 10).error().code, "not_a_file");
  EXPECT_EQ(ReadWholeFile(directory_.path() / "none", 10).error().code, "file_missing");
  EXPECT_EQ(ReadWholeFile("/dev/zero", 10).error().code, "not_a_file");
  // Its size is 0 to stat, its content is not.
  EXPECT_NE(ReadWholeFile("/proc/self/status", 1 << 20).value(), "");
}

TEST_F(FsTest, FreeBytesTellsOfTheFileSystemOrWhyNot) {
  EXPECT_GT(FreeBytes(directory_.path()).value(), 0u);
  EXPECT_EQ(FreeBytes(directory_.path() / "none").error().code, "file_missing");
}

TEST(Fd, OwnsItsDescriptor) {
  int ends[2];
  ASSERT_EQ(pipe2(ends, O_CLOEXEC), 0);
  {
    Fd first(ends[0]);
    Fd second(std::move(first));
    EXPECT_FALSE(first.valid());  // NOLINT(bugprone-use-after-move): that is the promise.
    EXPECT_EQ(second.get(), ends[0]);
    second = Fd(ends[1]);
    EXPECT_LT(fcntl(ends[0], F_GETFD), 0);
  }
  EXPECT_LT(fcntl(ends[1], F_GETFD), 0);
}

}  // namespace
}  // namespace bizond
