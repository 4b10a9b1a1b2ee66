#include "tests/tidy/house_rules.h"

#include <algorithm>
#include <array>
#include <map>
#include <regex>
#include <span>
#include <sstream>

namespace bizond::tidy {
namespace {

constexpr int kFileLinesMax = 500;
constexpr int kFunctionLinesMax = 70;

// Who may include whom. What is not a row (main.cc, tests, benchmarks) may include all.
struct Room {
  std::string_view name;
  std::string_view may_include;  // Separated and enclosed by spaces.
};
constexpr Room kRooms[] = {
    {"base", " base "},
    {"sync", " base sync "},
    {"store", " base sync store "},
    {"sources", " base sync sources "},
    {"destinations", " base sync destinations "},
    {"scheduler", " base sync store scheduler "},
    {"web", " base sync store scheduler web "},
    {"cli", " base sync store scheduler web cli "},
    // main.cc's own: the one place that knows every room.
    {"app", " base sync store sources destinations scheduler web cli app "},
};
// What connectors of one service share: no connector itself, included by its siblings.
constexpr std::string_view kSharedFolders = " destinations/google ";
// Generated headers, and the two folders that only tests and benchmarks include.
constexpr std::string_view kOtherRoots = " embedded tests bench ";

struct Ban {
  const char* pattern;
  std::vector<std::string_view> allowed;  // Prefixes of paths.
  std::string_view why;
};

const std::vector<Ban>& Bans() {
  static const std::vector<Ban> bans = {
      {R"(\bSQLite::)",
       {"store/", "sources/sqlite", "destinations/sqlite", "tests/", "bench/"},
       "SQLite:: belongs to store/ and the sqlite connectors"},
      {R"(\bhttplib::)", {"web/", "tests/", "bench/"}, "httplib:: belongs to web/"},
      {R"(\bsystem_clock::now\b|\bgettimeofday\b|\bCLOCK_REALTIME\b)",
       {"base/", "tests/", "bench/"},
       "the current time comes from Clock"},
      {R"(\b(sleep_for|sleep_until|usleep|nanosleep)\b)",
       {"base/", "tests/", "bench/"},
       "waiting goes through Clock"},
      {R"(\bstd::cout\b)", {"cli/", "tests/", "bench/"}, "std::cout belongs to cli/"},
  };
  return bans;
}

bool StartsWithAny(std::string_view path, std::span<const std::string_view> prefixes) {
  return std::any_of(prefixes.begin(), prefixes.end(),
                     [&](std::string_view prefix) { return path.starts_with(prefix); });
}

bool IsCpp(std::string_view path) { return path.ends_with(".h") || path.ends_with(".cc"); }

bool Lists(std::string_view list, std::string_view word) {
  return list.find(" " + std::string(word) + " ") != std::string_view::npos;
}

const Room* FindRoom(std::string_view name) {
  const auto* found = std::find_if(std::begin(kRooms), std::end(kRooms),
                                   [&](const Room& room) { return room.name == name; });
  return found == std::end(kRooms) ? nullptr : found;
}

// The path's first n folders as they are, "" when it has fewer: Folder("a/b/c.h", 2) is "a/b".
std::string_view Folder(std::string_view path, int n) {
  size_t end = std::string_view::npos;
  for (size_t from = 0; n > 0; --n, from = end + 1) {
    end = path.find('/', from);
    if (end == std::string_view::npos) return "";
  }
  return path.substr(0, end);
}

// "" when `path` may include `included`, else why not.
std::string WhyNotInclude(std::string_view path, std::string_view included) {
  const std::string_view from = Folder(path, 1);
  const std::string_view to = Folder(included, 1);
  const Room* room = FindRoom(from);
  if (to.empty() || (FindRoom(to) == nullptr && !Lists(kOtherRoots, to))) {
    return "include paths start at the root of the tree";
  }
  if (room == nullptr || to == "embedded") return "";
  if (!Lists(room->may_include, to)) {
    return std::string(from) + "/ must not include " + std::string(to) + "/";
  }
  // A connector stands alone: what two of them share lies beside their folders.
  const bool connector = from == to && (from == "sources" || from == "destinations");
  const std::string_view own = Folder(path, 2);
  const std::string_view other = Folder(included, 2);
  if (connector && !own.empty() && !other.empty() && own != other &&
      !Lists(kSharedFolders, other)) {
    return std::string(own) + "/ must not include its sibling " + std::string(other) + "/";
  }
  return "";
}

std::string GuardOf(std::string_view path) {
  std::string guard = "BIZOND_";
  for (const char c : path) {
    guard += std::isalnum(static_cast<unsigned char>(c)) != 0
                 ? static_cast<char>(std::toupper(static_cast<unsigned char>(c)))
                 : '_';
  }
  return guard + "_";
}

int LineOf(size_t index) { return static_cast<int>(index) + 1; }

}  // namespace

std::string Describe(const Violations& violations) {
  std::ostringstream out;
  for (const Violation& v : violations) out << v.path << ":" << v.line << ": " << v.message << "\n";
  return out.str();
}

Violations CheckIncludes(const SourceText& source) {
  static const std::regex kInclude(R"re(^\s*#\s*include\s*"([^"]+)")re");
  Violations violations;
  for (size_t i = 0; i < source.lines.size(); ++i) {
    std::smatch match;
    if (!std::regex_search(source.lines[i], match, kInclude)) continue;
    if (std::string why = WhyNotInclude(source.path, match[1].str()); !why.empty()) {
      violations.push_back({source.path, LineOf(i), why + " (" + match[1].str() + ")"});
    }
  }
  return violations;
}

Violations CheckFunctionLengths(const SourceText& source) {
  Violations violations;
  for (const FunctionSpan& span : FindFunctions(source)) {
    const int lines = span.last_line - span.first_line + 1;
    if (lines >= kFunctionLinesMax) {
      violations.push_back({source.path, span.first_line,
                            "a function of " + std::to_string(lines) + " lines; under " +
                                std::to_string(kFunctionLinesMax) + " it must be"});
    }
  }
  return violations;
}

Violations CheckBans(const SourceText& source) {
  Violations violations;
  for (const Ban& ban : Bans()) {
    if (StartsWithAny(source.path, ban.allowed)) continue;
    const std::regex pattern(ban.pattern);
    for (size_t i = 0; i < source.code.size(); ++i) {
      if (std::regex_search(source.code[i], pattern)) {
        violations.push_back({source.path, LineOf(i), std::string(ban.why)});
      }
    }
  }
  return violations;
}

Violations CheckHeader(const SourceText& source) {
  Violations violations;
  if (!source.path.ends_with(".h")) return violations;
  if (source.lines.empty() || !source.lines[0].starts_with("// ")) {
    violations.push_back({source.path, 1, "a header opens with a comment on its purpose"});
  }
  const std::string guard = GuardOf(source.path);
  const auto has = [&](const std::string& line) {
    return std::find(source.lines.begin(), source.lines.end(), line) != source.lines.end();
  };
  if (!has("#ifndef " + guard) || !has("#define " + guard)) {
    violations.push_back({source.path, 1, "the header guard must be " + guard});
  }
  return violations;
}

Violations CheckLength(const SourceText& source) {
  constexpr std::array<std::string_view, 4> kCounted = {".h", ".cc", ".js", ".mjs"};
  const bool counted = std::any_of(kCounted.begin(), kCounted.end(), [&](std::string_view ending) {
    return source.path.ends_with(ending);
  });
  const int lines = static_cast<int>(source.lines.size());
  if (!counted || lines <= kFileLinesMax) return {};
  return {{source.path, kFileLinesMax + 1,
           std::to_string(lines) + " lines; at most " + std::to_string(kFileLinesMax) +
               ", and 250 is the aim"}};
}

Violations CheckWords(const SourceText& source) {
  struct Word {
    std::regex pattern;
    std::string_view why;
  };
  // Split, so that this file does not break its own rule.
  static const std::vector<Word> kWords = {
      {std::regex("\\b(TO"
                  "DO|FIX"
                  "ME|XX"
                  "X)\\b"),
       "do it, or file an issue"},
      {std::regex("(^|[^A-Za-z0-9_.~/-])/(home|Users|wo"
                  "rk)/[A-Za-z]"),
       "a path of a developer's machine"},
      {std::regex("<{7} |>{7} "), "a conflict marker"},
  };
  Violations violations;
  for (size_t i = 0; i < source.lines.size(); ++i) {
    for (const Word& word : kWords) {
      if (source.lines[i].size() < 2000 && std::regex_search(source.lines[i], word.pattern)) {
        violations.push_back({source.path, LineOf(i), std::string(word.why)});
      }
    }
  }
  return violations;
}

Violations CheckAll(const SourceText& source) {
  Violations all;
  const auto add = [&](Violations more) { all.insert(all.end(), more.begin(), more.end()); };
  add(CheckLength(source));
  add(CheckWords(source));
  if (IsCpp(source.path)) {
    add(CheckIncludes(source));
    add(CheckFunctionLengths(source));
    add(CheckBans(source));
    add(CheckHeader(source));
  }
  return all;
}

Violations CheckClassNames(const std::vector<SourceText>& sources) {
  Violations violations;
  std::map<std::string, std::string> known;  // The first file that defines it.
  for (const SourceText& source : sources) {
    if (!IsCpp(source.path)) continue;
    for (const ClassDefinition& found : FindSharedClasses(source)) {
      const auto [first, added] = known.emplace(found.name, source.path);
      if (added || first->second == source.path) continue;
      violations.push_back({source.path, found.line,
                            found.name + " is the name of another class in " + first->second +
                                ": rename it, or put it into the unnamed namespace"});
    }
  }
  return violations;
}

Violations CheckCatalog(const std::string& room, const std::vector<std::string>& folders,
                        std::string_view catalog) {
  Violations violations;
  for (const std::string& folder : folders) {
    const bool shared = Lists(kSharedFolders, room + "/" + folder);
    if (!shared && catalog.find(room + "/" + folder + "/") == std::string_view::npos) {
      violations.push_back({room + "/catalog.cc", 1,
                            "does not name the connector folder " + room + "/" + folder +
                                "/: add its row, or remove the folder"});
    }
  }
  return violations;
}

}  // namespace bizond::tidy
