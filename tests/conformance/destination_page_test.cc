// docs/adding-a-destination.md, followed to the letter in a copy of what it touches: every command
// is run, every listing is written where it says, and the first listing is what was laid out.
#include <gtest/gtest.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

namespace bizond {
namespace {

namespace fs = std::filesystem;

struct Block {
  std::string language;
  std::string path;  // Empty: no listing of a file.
  std::string text;
  int line = 0;
};

std::string ReadText(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

std::vector<Block> BlocksOf(const fs::path& page) {
  std::vector<Block> blocks;
  std::ifstream in(page);
  bool inside = false;
  int number = 0;
  for (std::string line; std::getline(in, line);) {
    ++number;
    if (line.starts_with("```")) {
      inside = !inside;
      if (!inside) continue;
      const size_t space = line.find(' ');
      blocks.push_back({.language = line.substr(3, space == std::string::npos ? space : space - 3),
                        .path = space == std::string::npos ? "" : line.substr(space + 1),
                        .text = "",
                        .line = number});
    } else if (inside) {
      blocks.back().text += line + "\n";
    }
  }
  return blocks;
}

class AddingADestination : public ::testing::Test {
 protected:
  AddingADestination() {
    std::string pattern = fs::path(::testing::TempDir()) / "adding_XXXXXX";
    if (mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("no temp folder");
    copy_ = pattern;
    const fs::path source = BIZOND_SOURCE_DIR;
    fs::copy(source / "destinations", copy_ / "destinations", fs::copy_options::recursive);
    fs::create_directories(copy_ / "tests/conformance");
    for (const auto& entry : fs::directory_iterator(source / "tests/conformance")) {
      const std::string name = entry.path().filename();
      if (name.starts_with("destination_")) {
        fs::copy_file(entry.path(), copy_ / "tests/conformance" / name);
      }
    }
    fs::create_directories(copy_ / "scripts");
    fs::create_directories(copy_ / "build");
    fs::copy_file(source / "tests/conformance/page_build.sh", copy_ / "scripts/build");
    fs::create_symlink(BIZOND_BINARY, copy_ / "build/bizond");
  }
  ~AddingADestination() override { fs::remove_all(copy_); }

  // Runs a block as a person would type it, in the copy.
  void Type(const Block& block) {
    const fs::path script = copy_ / "typed.sh";
    std::ofstream(script) << "set -euo pipefail\n" << block.text;
    const std::string command =
        "cd '" + copy_.string() +
        "' && BIZOND_PAGE_SOURCE='" BIZOND_SOURCE_DIR "' BIZOND_PAGE_BUILD='" +
        fs::path(BIZOND_BINARY).parent_path().string() + "' BIZOND_STATE_DIR='" +
        (copy_ / "state").string() + "' bash typed.sh 2>&1 </dev/null";
    FILE* const pipe = popen(command.c_str(), "r");
    ASSERT_NE(pipe, nullptr);
    std::string output;
    std::array<char, 4096> buffer{};
    while (const size_t got = fread(buffer.data(), 1, buffer.size(), pipe)) {
      output.append(buffer.data(), got);
    }
    EXPECT_EQ(pclose(pipe), 0) << "docs/adding-a-destination.md:" << block.line << ":\n"
                               << block.text << "---\n"
                               << output.substr(0, 20'000);
    printed_ += output;
  }

  fs::path copy_;
  std::string printed_;
};

TEST_F(AddingADestination, EveryBlockOfThePageWorks) {
  const std::vector<Block> blocks =
      BlocksOf(fs::path(BIZOND_SOURCE_DIR) / "docs/adding-a-destination.md");
  int commands = 0;
  int listings = 0;
  for (const Block& block : blocks) {
    SCOPED_TRACE(block.line);
    if (block.language == "sh") {
      Type(block);
      ++commands;
    } else if (!block.path.empty()) {
      // The first listing shows what was laid out; the later ones take its place.
      if (listings++ == 0) {
        EXPECT_EQ(ReadText(copy_ / block.path), block.text);
      }
      std::ofstream(copy_ / block.path) << block.text;
    }
    if (HasFailure()) return;
  }
  EXPECT_GE(commands, 5);
  EXPECT_EQ(listings, 2);
  EXPECT_NE(printed_.find("mydest"), std::string::npos);
  // The second run replaced what the first one wrote: exactly once.
  EXPECT_FALSE(ReadText(copy_ / "exports/creatures.ndjson").empty());
  EXPECT_FALSE(fs::exists(copy_ / "exports/creatures.ndjson_temp"));
}

}  // namespace
}  // namespace bizond
