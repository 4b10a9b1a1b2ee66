// Roots that cannot be left, replacing durably, locking, globbing.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <csignal>

#include "base/fs.h"
#include "base/glob.h"
#include "tests/base/temporary_directory.h"

namespace bizond {
namespace {

namespace fs = std::filesystem;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

// <temporary>/root is the root; <temporary>/outside is what must not be reached.
class RootTest : public ::testing::Test {
 protected:
  RootTest() : root_(Root::Create(directory_.path() / "root").value()) {
    directory_.Write("outside/secret", "secret");
    directory_.Write("root/inside/a", "a");
  }

  std::string CodeOfOpen(std::string_view path, OpenMode mode = OpenMode::kRead) {
    const Result<File> file = root_.OpenFile(path, mode);
    return file ? "opened" : file.error().code;
  }
  void Link(const std::string& target, const std::string& name) {
    fs::create_symlink(target, directory_.path() / "root" / name);
  }

  TemporaryDirectory directory_;
  Root root_;
};

TEST_F(RootTest, NoPathLeadsOutside) {
  const std::string outside = directory_.path() / "outside/secret";
  Link("../outside", "up");
  Link("../outside/secret", "file");
  Link(outside, "absolute");
  Link("up", "indirect");
  for (const std::string& path :
       {std::string("../outside/secret"), std::string("inside/../../outside/secret"),
        std::string("up/secret"), std::string("file"), std::string("absolute"), outside,
        std::string("indirect/secret"), std::string("/etc/passwd")}) {
    EXPECT_EQ(CodeOfOpen(path), "outside_roots") << path;
    EXPECT_EQ(CodeOfOpen(path, OpenMode::kTruncate), "outside_roots") << path;
    EXPECT_EQ(root_.Stat(path).error().code, "outside_roots") << path;
    EXPECT_EQ(root_.Rename("inside/a", path + "/x").error().code, "outside_roots") << path;
  }
  EXPECT_EQ(CodeOfOpen("up/new", OpenMode::kWrite), "outside_roots");
  EXPECT_EQ(root_.MakeDirectories("up/new").error().code, "outside_roots");
  EXPECT_EQ(root_.MakeDirectories("../new").error().code, "outside_roots");
  EXPECT_EQ(root_.Remove("up/secret").error().code, "outside_roots");
  EXPECT_EQ(root_.Remove("../outside/secret").error().code, "outside_roots");
  EXPECT_EQ(root_.SyncDirectoryOf("up/secret").error().code, "outside_roots");
  EXPECT_EQ(root_.Glob("up/*").error().code, "outside_roots");
  EXPECT_EQ(root_.Glob("../*").error().code, "outside_roots");
  EXPECT_EQ(ReplaceFileDurably(root_, "up/secret", "x").error().code, "outside_roots");
  EXPECT_EQ(directory_.Read("outside/secret"), "secret");
  const Error error = root_.OpenFile("up/secret", OpenMode::kRead).error();
  EXPECT_EQ(error.kind, ErrorKind::kPermanent);
  EXPECT_THAT(error.message, HasSubstr("up/secret"));
  EXPECT_THAT(error.remedy, HasSubstr("--root"));
}

TEST_F(RootTest, RelativePathsAndLinksThatStayInsideAreFollowed) {
  Link("inside", "link");
  Link("inside/a", "file");
  EXPECT_EQ(CodeOfOpen("link/a"), "opened");
  EXPECT_EQ(CodeOfOpen("file"), "opened");
  EXPECT_EQ(CodeOfOpen("inside/../inside/a"), "opened");
  Link("loop", "loop");
  EXPECT_EQ(CodeOfOpen("loop"), "file_unreadable");
}

TEST_F(RootTest, StatTellsWhatIsThereWithoutOpeningIt) {
  ASSERT_EQ(mkfifo((directory_.path() / "root/fifo").c_str(), 0600), 0);
  EXPECT_EQ(root_.Stat("none").value(), std::nullopt);
  EXPECT_EQ(root_.Stat("inside/a/b").value(), std::nullopt);
  EXPECT_TRUE(root_.Stat("inside/a").value()->is_regular);
  EXPECT_EQ(root_.Stat("inside/a").value()->size_bytes, 1u);
  EXPECT_TRUE(root_.Stat("inside").value()->is_directory);
  EXPECT_FALSE(root_.Stat("fifo").value()->is_regular);
}

TEST_F(RootTest, MakesRenamesAndRemoves) {
  ASSERT_TRUE(root_.MakeDirectories("x/y/z"));
  ASSERT_TRUE(root_.MakeDirectories("./x/y/z/"));
  ASSERT_TRUE(root_.Rename("inside/a", "x/y/z/b"));
  ASSERT_TRUE(root_.SyncDirectoryOf("x/y/z/b"));
  EXPECT_EQ(directory_.Read("root/x/y/z/b"), "a");
  ASSERT_TRUE(root_.Remove("x/y/z/b"));
  EXPECT_TRUE(root_.Remove("x/y/z/b"));
  EXPECT_TRUE(root_.Remove("no/such/place"));
  EXPECT_EQ(root_.Rename("x/none", "y").error().code, "file_missing");
  EXPECT_FALSE(root_.Remove("x"));
  EXPECT_FALSE(root_.Remove(".."));
  directory_.Write("root/plain", "");
  EXPECT_FALSE(root_.MakeDirectories("plain/below"));
  EXPECT_FALSE(root_.MakeDirectories("plain"));
}

TEST_F(RootTest, CreateMakesPrivateDirectories) {
  const fs::path made = directory_.path() / "p/q";
  ASSERT_TRUE(Root::Create(made));
  EXPECT_EQ(fs::status(made).permissions(), fs::perms::owner_all);
  EXPECT_EQ(Root::Open(directory_.path() / "none").error().code, "file_missing");
  EXPECT_FALSE(Root::Create(directory_.path() / "outside/secret/below"));
}

TEST_F(RootTest, ResolvePicksTheRootOfAPath) {
  const fs::path base = directory_.path() / "root";
  const fs::path other = directory_.path() / "outside";
  const Roots roots = Roots::Open(base, {other}).value();
  EXPECT_EQ(roots.Resolve("x/y").value().Display(), base / "x/y");
  EXPECT_EQ(roots.Resolve("./x").value().path, "x");
  EXPECT_EQ(roots.Resolve((base / "x").string()).value().path, "x");
  const Location secret = roots.Resolve((other / "secret").string()).value();
  EXPECT_EQ(secret.root.path(), other);
  EXPECT_TRUE(secret.root.OpenFile(secret.path, OpenMode::kRead));
  EXPECT_EQ(roots.Resolve("../outside/secret").value().Display(), other / "secret");
  for (const std::string& path : {std::string("/etc/passwd"), std::string("../x"),
                                  other.string() + "side/x", other.string() + "/../x"}) {
    const Result<Location> outside = roots.Resolve(path);
    ASSERT_FALSE(outside) << path;
    EXPECT_EQ(outside.error().code, "outside_roots");
    EXPECT_EQ(outside.error().kind, ErrorKind::kPermanent);
    EXPECT_THAT(outside.error().message, HasSubstr(base.string()));
    EXPECT_THAT(outside.error().message, HasSubstr(other.string()));
  }
  EXPECT_FALSE(roots.Resolve(""));
  EXPECT_FALSE(Roots::Open(base, {directory_.path() / "none"}));
}

TEST_F(RootTest, ResolveKnowsARootByTheNameItWasGiven) {
  fs::create_directory_symlink(directory_.path() / "outside", directory_.path() / "alias");
  const Roots roots =
      Roots::Open(directory_.path() / "root", {directory_.path() / "alias"}).value();
  for (const char* name : {"alias/secret", "outside/secret"}) {
    const Result<Location> found = roots.Resolve((directory_.path() / name).string());
    ASSERT_TRUE(found) << name;
    EXPECT_EQ(found->Display(), directory_.path() / "outside/secret");
  }
}

TEST_F(RootTest, OfTwoRootsTheInnerOneIsTaken) {
  const fs::path base = directory_.path() / "root";
  const Roots roots = Roots::Open(base, {base / "inside"}).value();
  EXPECT_EQ(roots.Resolve("inside/a").value().root.path(), base / "inside");
}

TEST_F(RootTest, UnrestrictedRootsReachEverythingTheUserDoes) {
  Link("../outside", "up");
  const Roots roots = Roots::Unrestricted(directory_.path() / "root").value();
  for (const std::string& path : {std::string("../outside/secret"), std::string("up/secret"),
                                  (directory_.path() / "outside/secret").string(),
                                  "//" + (directory_.path() / "root/up/secret").string()}) {
    const Result<Location> found = roots.Resolve(path);
    ASSERT_TRUE(found) << path;
    EXPECT_TRUE(found->root.OpenFile(found->path, OpenMode::kRead)) << path;
  }
  EXPECT_EQ(roots.Resolve("x").value().Display(), directory_.path() / "root/x");
  EXPECT_EQ(roots.Resolve("/etc/x").value().Display(), "/etc/x");
}

TEST_F(RootTest, GlobFindsRegularFilesInOrder) {
  for (const char* name : {"b.jsonl", "a.jsonl", "c.csv", ".hidden.jsonl", "d/e.jsonl",
                           "d/f/g.jsonl", "d/.git/h.jsonl", "[x].jsonl"}) {
    directory_.Write(std::string("root/") + name, "");
  }
  fs::create_directory(directory_.path() / "root/z.jsonl");
  ASSERT_EQ(mkfifo((directory_.path() / "root/y.jsonl").c_str(), 0600), 0);
  Link("none", "dangling.jsonl");
  Link(".", "d/circle");
  EXPECT_THAT(root_.Glob("*.jsonl").value(), ElementsAre("[x].jsonl", "a.jsonl", "b.jsonl"));
  EXPECT_THAT(root_.Glob("**/*.jsonl").value(),
              ElementsAre("[x].jsonl", "a.jsonl", "b.jsonl", "d/e.jsonl", "d/f/g.jsonl"));
  EXPECT_THAT(root_.Glob("d/**").value(), ElementsAre("d/e.jsonl", "d/f/g.jsonl"));
  EXPECT_THAT(root_.Glob("**/f/**/*.jsonl").value(), ElementsAre("d/f/g.jsonl"));
  EXPECT_THAT(root_.Glob("./?.jsonl").value(), ElementsAre("a.jsonl", "b.jsonl"));
  EXPECT_THAT(root_.Glob("*/e.*").value(), ElementsAre("d/e.jsonl"));
  EXPECT_THAT(root_.Glob("[ab].jsonl").value(), ElementsAre("a.jsonl", "b.jsonl"));
  EXPECT_THAT(root_.Glob("\\[x\\].jsonl").value(), ElementsAre("[x].jsonl"));
  EXPECT_THAT(root_.Glob("\\[x\\].json*").value(), ElementsAre("[x].jsonl"));
  EXPECT_THAT(root_.Glob("a.jsonl").value(), ElementsAre("a.jsonl"));
  EXPECT_THAT(root_.Glob("none/*").value(), IsEmpty());
}

TEST_F(RootTest, GlobNeverDropsSilently) {
  Link("../outside/secret", "escaping.jsonl");
  EXPECT_EQ(root_.Glob("*.jsonl").error().code, "outside_roots");
  fs::remove(directory_.path() / "root/escaping.jsonl");
  fs::permissions(directory_.path(), fs::perms(0755));
  fs::permissions(directory_.path() / "root", fs::perms(0755));
  fs::permissions(directory_.path() / "root/inside", fs::perms::none);
  EXPECT_TRUE(HoldsForOrdinaryUser([&] {
    const auto found = root_.Glob("**/*");
    return !found && found.error().code == "file_unreadable";
  }));
  fs::permissions(directory_.path() / "root/inside", fs::perms::owner_all);
}

TEST_F(RootTest, HostilePatternsEndSoon) {
  std::string path;
  for (int i = 0; i < 40; ++i) path += "d/";
  directory_.Write("root/" + path + "a", "");
  std::string stars;
  for (int i = 0; i < 20; ++i) stars += "**/*/";
  EXPECT_TRUE(root_.Glob(stars + "a"));
  EXPECT_FALSE(root_.Glob(std::string(100'000, '/') + "*"));
  std::string slashes;
  for (int i = 0; i < 50'000; ++i) slashes += "a/";
  EXPECT_FALSE(root_.Glob(slashes + "*"));
  for (int i = 0; i < 30; ++i) path += "d/";
  directory_.Write("root/" + path + "a", "");
  EXPECT_EQ(root_.Glob("**/a").error().code, "too_many_matches");
}

TEST(MatchesGlob, MatchesAsAShellDoes) {
  struct {
    const char* pattern;
    const char* name;
    bool matches;
  } const rows[] = {
      {"*", "abc", true},      {"*", "", true},         {"", "", true},
      {"", "a", false},        {"a*c", "abbbc", true},  {"a*c", "abcb", false},
      {"*b*b*", "abab", true}, {"?", "\xc3\xa9", true}, {"??", "\xc3\xa9", false},
      {"?", "\xff", true},     {"[a-c]x", "bx", true},  {"[!a-c]x", "bx", false},
      {"[^a]", "b", true},     {"[]]", "]", true},      {"[a-]", "-", true},
      {"[", "[", true},        {"[ab", "[ab", true},    {"\\*", "*", true},
      {"\\*", "a", false},     {"*", ".a", false},      {".*", ".a", true},
      {"[.]a", ".a", false},   {"a\\", "a\\", true},    {"[\xc3\xa0-\xc3\xaf]", "\xc3\xa9", true},
  };
  for (const auto& row : rows) {
    EXPECT_EQ(MatchesGlob(row.pattern, row.name), row.matches) << row.pattern << " " << row.name;
  }
  std::string pattern;
  for (int i = 0; i < 100; ++i) pattern += "*a";
  EXPECT_FALSE(MatchesGlob(pattern + "b", std::string(1000, 'a')));
}

TEST_F(RootTest, ReplaceFileDurablyReplacesTheWholeAndKeepsThePermissions) {
  ASSERT_TRUE(ReplaceFileDurably(root_, "inside/state", "first, and longer"));
  fs::permissions(directory_.path() / "root/inside/state", fs::perms(0640));
  ASSERT_TRUE(ReplaceFileDurably(root_, "inside/state", "second"));
  EXPECT_EQ(directory_.Read("root/inside/state"), "second");
  EXPECT_EQ(fs::status(directory_.path() / "root/inside/state").permissions(), fs::perms(0640));
  ASSERT_TRUE(ReplaceFileDurably(root_, std::string(255, 'n'), "x"));
}

TEST_F(RootTest, ReplaceFileDurablyLeavesNothingBehind) {
  fs::create_directory(directory_.path() / "root/directory");
  EXPECT_FALSE(ReplaceFileDurably(root_, "directory", "x"));
  EXPECT_EQ(ReplaceFileDurably(root_, "none/state", "x").error().code, "file_missing");
  ASSERT_TRUE(ReplaceFileDurably(root_, "state", "x"));
  std::vector<std::string> names;
  for (const auto& entry : fs::directory_iterator(directory_.path() / "root")) {
    names.push_back(entry.path().filename());
  }
  EXPECT_THAT(names, ::testing::UnorderedElementsAre("directory", "inside", "state"));
}

TEST_F(RootTest, AReaderSeesTheOldOrTheNewWhole) {
  ASSERT_TRUE(ReplaceFileDurably(root_, "state", std::string(10'000, 'a')));
  const pid_t writer = fork();
  if (writer == 0) {
    for (char c = 'b'; c <= 'z'; ++c) {
      if (!ReplaceFileDurably(root_, "state", std::string(10'000, c))) _exit(1);
    }
    _exit(0);
  }
  int status = 0;
  while (waitpid(writer, &status, WNOHANG) == 0) {
    const std::string seen = directory_.Read("root/state");
    ASSERT_EQ(seen, std::string(10'000, seen.at(0)));
  }
  EXPECT_EQ(status, 0);
}

TEST_F(RootTest, ALockHeldByAnotherProcessIsRefusedWithItsPid) {
  int ready[2];
  ASSERT_EQ(pipe2(ready, O_CLOEXEC), 0);
  const pid_t holder = fork();
  if (holder == 0) {
    const Result<FileLock> lock = FileLock::TryAcquire(root_, "lock");
    (void)!write(ready[1], lock ? "y" : "n", 1);
    while (true) pause();
  }
  char answer = 0;
  ASSERT_EQ(read(ready[0], &answer, 1), 1);
  ASSERT_EQ(answer, 'y');
  const Result<FileLock> refused = FileLock::TryAcquire(root_, "lock");
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, "target_locked");
  EXPECT_EQ(refused.error().kind, ErrorKind::kTransient);
  EXPECT_THAT(refused.error().message, HasSubstr("process " + std::to_string(holder)));
  // The lock dies with its holder, however that ends.
  kill(holder, SIGKILL);
  waitpid(holder, nullptr, 0);
  EXPECT_TRUE(FileLock::TryAcquire(root_, "lock"));
  close(ready[0]);
  close(ready[1]);
}

TEST_F(RootTest, ALockIsReleasedWithItsObjectAndHoldsWithinOneProcess) {
  {
    const Result<FileLock> first = FileLock::TryAcquire(root_, "lock");
    ASSERT_TRUE(first);
    EXPECT_EQ(directory_.Read("root/lock"), std::to_string(getpid()) + "\n");
    EXPECT_EQ(FileLock::TryAcquire(root_, "lock").error().code, "target_locked");
  }
  EXPECT_TRUE(FileLock::TryAcquire(root_, "lock"));
  fs::create_directory(directory_.path() / "root/directory");
  EXPECT_EQ(FileLock::TryAcquire(root_, "directory").error().code, "not_a_file");
}

}  // namespace
}  // namespace bizond
