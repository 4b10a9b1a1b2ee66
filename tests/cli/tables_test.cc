// The tables of verbs and of error codes, against the sources and the pages.
#include <gmock/gmock.h>

#include <algorithm>
#include <fstream>
#include <regex>
#include <set>

#include "cli/arguments.h"
#include "cli/error_codes.h"
#include "cli/verb.h"
#include "tests/base/temporary_directory.h"
#include "tests/cli/command.h"

namespace bizond {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

std::string ReadFile(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

// The sources of every room, but the table itself.
std::string Sources() {
  std::string text;
  for (const char* const room :
       {"base", "sync", "store", "sources", "destinations", "scheduler", "web", "cli", "app"}) {
    const std::filesystem::path folder = std::filesystem::path(BIZOND_SOURCE_DIR) / room;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(folder)) {
      const std::string ending = entry.path().extension().string();
      if (ending != ".cc" && ending != ".h") continue;
      if (entry.path().filename() != "error_codes.cc") text += ReadFile(entry.path());
    }
  }
  return text;
}

TEST(ErrorCodes, AreSortedAndComplete) {
  const auto codes = AllErrorCodes();
  EXPECT_TRUE(std::is_sorted(codes.begin(), codes.end(),
                             [](const auto& a, const auto& b) { return a.code < b.code; }));
  const std::string sources = Sources();
  std::set<std::string> unknown;
  // A code stands behind a kind of error, also in tables by errno and the like, which may have one
  // for reading and one for writing; or behind a status; or in a reader's own bad().
  const std::regex raised(
      R"re(\bk(?:Transient|Permanent|Config|Stopped),\s*"([a-z_]+)")re"
      R"re((?:,\s*"([a-z]+(?:_[a-z]+)+)",)?|\bcode = "([a-z_]+)"|Problem\(\d+,\s*"([a-z_]+)")re"
      R"re(|\{\d{3}, "([a-z_]+)"|\bbad\("([a-z_]+)")re");
  for (std::sregex_iterator at(sources.begin(), sources.end(), raised), end; at != end; ++at) {
    for (size_t group = 1; group < at->size(); ++group) {
      const std::string code = (*at)[group].str();
      if (!code.empty() && FindErrorCode(code) == nullptr) unknown.insert(code);
    }
  }
  EXPECT_THAT(unknown, IsEmpty());
  std::set<std::string> unused;
  for (const ErrorCodeRow& row : codes) {
    if (sources.find('"' + std::string(row.code) + '"') == std::string::npos) {
      unused.insert(std::string(row.code));
    }
    EXPECT_FALSE(row.meaning.empty() || row.remedy.empty()) << row.code;
  }
  EXPECT_THAT(unused, IsEmpty());
}

TEST(Verbs, TheirPageSaysWhatTheySay) {
  const std::string page = ReadFile(std::filesystem::path(BIZOND_SOURCE_DIR) / "docs/cli.md");
  TemporaryDirectory directory;
  for (const Verb& verb : AllVerbs()) {
    const std::string name(verb.name);
    EXPECT_THAT(page, HasSubstr("\n## " + name + "\n"));
    const Outcome help = RunBizond(directory.path(), name + " --help");
    EXPECT_EQ(help.exit_code, 0);
    EXPECT_THAT(page, HasSubstr(help.out)) << "docs/cli.md is stale: " << name;
  }
  // And of no verb that there is not.
  size_t headings = 0;
  for (size_t at = 0; (at = page.find("\n## ", at)) != std::string::npos; ++at) ++headings;
  EXPECT_EQ(headings, AllVerbs().size());
}

TEST(ArgumentsTest, OptionsAndOperandsInAnyOrder) {
  constexpr OptionRow kOptionRows[] = {{"--wait", "", "", OptionKind::kFlag},
                                       {"--stream", "S", "", OptionKind::kRepeated},
                                       {"--state-dir", "D", ""},
                                       {"-n,--count", "N", "", OptionKind::kNumber},
                                       {"--mode", "M", "", OptionKind::kText, "keep|reset"}};
  const auto parse = [&](const std::vector<std::string>& words) {
    return Arguments::Parse(kOptionRows, words);
  };
  const auto parsed = parse({"a", "--stream", "x", "b", "--stream=y", "-n", "7", "--wait",
                             "--state-dir", "d1", "--state-dir", "d2", "[x,y]", "--", "-c"});
  ASSERT_TRUE(parsed) << parsed.error().message;
  EXPECT_THAT(parsed->operands(), ElementsAre("a", "b", "[x,y]", "-c"));
  EXPECT_THAT(parsed->All("--stream"), ElementsAre("x", "y"));
  EXPECT_EQ(parsed->Number("--count"), 7u);
  EXPECT_EQ(parsed->Text("--state-dir"), "d2") << "the last one wins";
  EXPECT_TRUE(parsed->Has("--wait"));
  EXPECT_THAT(parse({"--strem", "x"}).error().remedy, HasSubstr("--stream"));
  EXPECT_FALSE(parse({"-n", "-1"}));
  EXPECT_FALSE(parse({"-n", "many"}));
  EXPECT_FALSE(parse({"--mode", "other"}));
  EXPECT_FALSE(parse({"--stream"}));
  EXPECT_FALSE(parse({"--wait=false"})) << "it would be a yes";
  const auto empty = parse({"--state-dir=", "a", "--stream", ""});
  ASSERT_TRUE(empty) << empty.error().message;
  EXPECT_THAT(empty->operands(), ElementsAre("a"));
  EXPECT_TRUE(empty->Has("--state-dir") && empty->Has("--stream"));
  EXPECT_EQ(parse({"--state-dir=a=b"})->Text("--state-dir"), "a=b");
}

}  // namespace
}  // namespace bizond
