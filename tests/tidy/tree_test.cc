// The tree itself, held to the rules of the house.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <set>

#include "tests/tidy/house_rules.h"

namespace bizond::tidy {
namespace {

namespace fs = std::filesystem;

const fs::path& Root() {
  static const fs::path root = BIZOND_SOURCE_DIR;
  return root;
}

std::string ReadText(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

// Every text file that is ours: not what is generated, unpacked or installed.
std::vector<fs::path> OurFiles() {
  static const std::set<std::string> kSkippedFolders = {"third_party", "node_modules", "dist",
                                                        "__pycache__", ".git",         ".work"};
  static const std::set<std::string> kText = {".cc",   ".h",    ".js",  ".mjs", ".css", ".html",
                                              ".sql",  ".json", ".yml", ".md",  ".sh",  ".cmake",
                                              ".yaml", ".py",   ".txt", ""};
  std::vector<fs::path> files;
  for (auto it = fs::recursive_directory_iterator(Root()); it != fs::end(it); ++it) {
    const std::string name = it->path().filename();
    if (it->is_directory()) {
      const bool build = it.depth() == 0 && name.starts_with("build");
      if (build || kSkippedFolders.contains(name)) it.disable_recursion_pending();
    } else if (kText.contains(it->path().extension()) && it->is_regular_file() &&
               it->file_size() < 1'000'000 && name != "package-lock.json" && name != ".git") {
      files.push_back(it->path());
    }
  }
  return files;
}

TEST(TreeTest, KeepsTheRulesOfTheHouse) {
  std::vector<SourceText> sources;
  for (const fs::path& file : OurFiles()) {
    sources.push_back(SourceText::Parse(file.lexically_relative(Root()), ReadText(file)));
  }
  ASSERT_FALSE(sources.empty());
  Violations all = CheckClassNames(sources);
  for (const SourceText& source : sources) {
    const Violations found = CheckAll(source);
    all.insert(all.end(), found.begin(), found.end());
  }
  EXPECT_TRUE(all.empty()) << Describe(all);
}

TEST(TreeTest, EveryConnectorFolderIsInItsCatalog) {
  for (const std::string room : {"sources", "destinations"}) {
    std::vector<std::string> folders;
    if (!fs::exists(Root() / room)) continue;
    for (const auto& entry : fs::directory_iterator(Root() / room)) {
      // Templates of `bizond new` are text that becomes a connector, not one.
      if (entry.is_directory() && !entry.path().filename().string().starts_with("template")) {
        folders.push_back(entry.path().filename());
      }
    }
    const Violations found = CheckCatalog(room, folders, ReadText(Root() / room / "catalog.cc"));
    EXPECT_TRUE(found.empty()) << Describe(found);
  }
}

// A lockfile that says where its packages came from works only where that host is reached.
// Two branches take the same number, and no tool that merges them sees it: a database that has one
// of the two would never get the other.
TEST(TreeTest, EachMigrationHasANumberOfItsOwn) {
  std::set<std::string> numbers;
  for (const auto& entry : fs::directory_iterator(Root() / "migrations")) {
    const std::string name = entry.path().filename();
    const std::string number = name.substr(0, name.find('_', name.starts_with("history_") ? 8 : 0));
    EXPECT_TRUE(numbers.insert(number).second) << name << ": " << number << " is taken";
  }
  EXPECT_FALSE(numbers.empty());
}

TEST(TreeTest, LockfilesNameNoHost) {
  for (const char* path : {"web/page/package-lock.json", "tests/browser/package-lock.json"}) {
    const std::vector<std::string> lines = SplitLines(ReadText(Root() / path));
    for (size_t i = 0; i < lines.size(); ++i) {
      EXPECT_EQ(lines[i].find("\"resolved\":"), std::string::npos)
          << path << ":" << i + 1 << ": " << lines[i]
          << "\nwrite it with omit-lockfile-registry-resolved=true";
    }
  }
}

}  // namespace
}  // namespace bizond::tidy
