#include "base/glob.h"

#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <set>
#include <tuple>

#include "base/beneath.h"
#include "base/file_error.h"
#include "base/fs.h"

namespace bizond {
namespace {

// Limits on what a job's pattern may cost.
constexpr size_t kMatchesMax = 100'000;
constexpr size_t kDepthMax = 64;
constexpr size_t kPatternBytesMax = 4096;

// Takes one character: a UTF-8 sequence, or a single byte where there is none.
std::string_view TakeCharacter(std::string_view* text) {
  const auto first = static_cast<unsigned char>(text->front());
  size_t size = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : first >= 0xc0 ? 2 : 1;
  for (size_t i = 1; i < size; ++i) {
    if (i >= text->size() || (static_cast<unsigned char>((*text)[i]) & 0xc0) != 0x80) size = 1;
  }
  const std::string_view character = text->substr(0, size);
  text->remove_prefix(size);
  return character;
}

// UTF-8 sorts as its code points do, but for the length of the shorter one: compare as bytes.
bool Between(std::string_view low, std::string_view c, std::string_view high) {
  return low <= c && c <= high;
}

// `pattern` starts behind '['. Matches one character and takes the bracket, or returns nullopt when
// it is never closed: then '[' stands for itself.
std::optional<bool> TakeBracket(std::string_view* pattern, std::string_view character) {
  std::string_view rest = *pattern;
  const bool negated = !rest.empty() && (rest.front() == '!' || rest.front() == '^');
  if (negated) rest.remove_prefix(1);
  bool matched = false;
  for (bool first = true; !rest.empty(); first = false) {
    if (rest.front() == ']' && !first) {
      rest.remove_prefix(1);
      *pattern = rest;
      return matched != negated;
    }
    const std::string_view low = TakeCharacter(&rest);
    if (rest.size() >= 2 && rest[0] == '-' && rest[1] != ']') {
      rest.remove_prefix(1);
      matched |= Between(low, character, TakeCharacter(&rest));
    } else {
      matched |= low == character;
    }
  }
  return std::nullopt;
}

// One character of the name against one element of the pattern, which is no '*'; takes both.
bool MatchOne(std::string_view* pattern, std::string_view* name) {
  const std::string_view character = TakeCharacter(name);
  if (pattern->front() == '?') {
    pattern->remove_prefix(1);
    return true;
  }
  if (pattern->front() == '[') {
    std::string_view inside = pattern->substr(1);
    if (const std::optional<bool> matched = TakeBracket(&inside, character)) {
      *pattern = inside;
      return *matched;
    }
  }
  if (pattern->front() == '\\' && pattern->size() > 1) pattern->remove_prefix(1);
  return TakeCharacter(pattern) == character;
}

struct CloseDirectory {
  void operator()(DIR* directory) const { closedir(directory); }
};

}  // namespace

bool IsGlob(std::string_view text) { return text.find_first_of("*?[") != std::string_view::npos; }

bool MatchesGlob(std::string_view pattern, std::string_view name) {
  if (name.starts_with('.') && !pattern.starts_with('.') && !pattern.starts_with("\\.")) {
    return false;
  }
  // Only the last '*' is ever tried again: an earlier one could not do better.
  std::string_view pattern_behind_star;
  std::string_view name_at_star;
  bool starred = false;
  while (!name.empty() || !pattern.empty()) {
    if (!pattern.empty() && pattern.front() == '*') {
      pattern.remove_prefix(1);
      pattern_behind_star = pattern;
      name_at_star = name;
      starred = true;
      continue;
    }
    if (!pattern.empty() && !name.empty() && MatchOne(&pattern, &name)) continue;
    if (!starred || name_at_star.empty()) return false;
    TakeCharacter(&name_at_star);
    name = name_at_star;
    pattern = pattern_behind_star;
  }
  return true;
}

namespace {

// Walks the tree along the components of a pattern. `**` does not follow links to directories,
// which could lead in circles; a component that is named or matched does, as far as the root lets
// it.
class GlobWalk {
 public:
  GlobWalk(int root, uint64_t resolve, std::string shown)
      : root_(root), resolve_(resolve), shown_(std::move(shown)) {}

  Status Match(const std::string& directory, std::string_view pattern, size_t depth) {
    if (!First('m', directory, pattern)) return {};
    const size_t start = std::min(pattern.find_first_not_of('/'), pattern.size());
    pattern.remove_prefix(start);
    const size_t slash = pattern.find('/');
    const std::string_view component = pattern.substr(0, slash);
    if (slash == std::string_view::npos) return MatchLast(directory, component);
    const std::string_view rest = pattern.substr(slash + 1);
    if (component == "**") return MatchAnyDepth(directory, rest, depth);
    if (!IsGlob(component)) return Match(Join(directory, std::string(component)), rest, depth);
    return ForEachEntry(directory, [&](const std::string& name, unsigned char type) -> Status {
      if (!MatchesGlob(component, name)) return {};
      const std::string path = Join(directory, name);
      BIZOND_ASSIGN_OR_RETURN(const bool is_directory, IsDirectory(path, type));
      return is_directory ? Match(path, rest, depth) : Status();
    });
  }

  std::vector<std::string> Take() { return {matches_.begin(), matches_.end()}; }

 private:
  static std::string Join(const std::string& directory, const std::string& name) {
    return directory == "."           ? name
           : directory.ends_with('/') ? directory + name
                                      : directory + "/" + name;
  }

  // Several `**` lead to one directory in many ways; each is gone only once.
  bool First(char what, const std::string& directory, std::string_view rest) {
    return seen_.emplace(what, directory, rest.size()).second;
  }

  std::string Shown(const std::string& path) const { return Join(shown_, path); }

  Status MatchAnyDepth(const std::string& directory, std::string_view rest, size_t depth) {
    if (!First('d', directory, rest)) return {};
    if (depth >= kDepthMax) {
      return Fail(
          ErrorKind::kPermanent, "too_many_matches",
          fmt::format("{} is nested deeper than {} directories", Shown(directory), kDepthMax),
          "name the directory in the pattern instead of **");
    }
    BIZOND_RETURN_IF_ERROR(Match(directory, rest, depth));
    return ForEachEntry(directory, [&](const std::string& name, unsigned char type) -> Status {
      if (name.starts_with('.') || type == DT_LNK) return {};
      const std::string path = Join(directory, name);
      if (type != DT_DIR && type != DT_UNKNOWN) return {};
      BIZOND_ASSIGN_OR_RETURN(const std::optional<struct stat> raw, Look(path, O_NOFOLLOW));
      return raw && S_ISDIR(raw->st_mode) ? MatchAnyDepth(path, rest, depth + 1) : Status();
    });
  }

  // A last `**` stands for every file below; another name or pattern for the files of one
  // directory.
  Status MatchLast(const std::string& directory, std::string_view component) {
    if (component == "**") return MatchAnyDepth(directory, "*", 0);
    if (!IsGlob(component)) return Add(Join(directory, std::string(component)));
    return ForEachEntry(directory, [&](const std::string& name, unsigned char) -> Status {
      return MatchesGlob(component, name) ? Add(Join(directory, name)) : Status();
    });
  }

  Status Add(const std::string& path) {
    BIZOND_ASSIGN_OR_RETURN(const std::optional<struct stat> raw, Look(path, 0));
    if (!raw || !S_ISREG(raw->st_mode)) return {};
    if (matches_.size() >= kMatchesMax && !matches_.contains(path)) {
      return Fail(
          ErrorKind::kPermanent, "too_many_matches",
          fmt::format("the pattern matches more than {} files under {}", kMatchesMax, shown_),
          "use a narrower pattern, or several jobs");
    }
    matches_.insert(path);
    return {};
  }

  Result<bool> IsDirectory(const std::string& path, unsigned char type) const {
    if (type == DT_DIR) return true;
    if (type != DT_LNK && type != DT_UNKNOWN) return false;
    BIZOND_ASSIGN_OR_RETURN(const std::optional<struct stat> raw, Look(path, 0));
    return raw && S_ISDIR(raw->st_mode);
  }

  // nullopt: it went away, or is a link to nothing.
  Result<std::optional<struct stat>> Look(const std::string& path, int flags) const {
    struct stat raw;
    const Fd fd = OpenBeneath(root_, path, O_PATH | flags, resolve_);
    if (fd.valid() && fstat(fd.get(), &raw) == 0) return std::optional(raw);
    if (errno == ENOENT || errno == ENOTDIR) return std::optional<struct stat>();
    return Failure(FileError(errno, FileAccess::kRead, "stat", Shown(path)));
  }

  template <typename Visit>
  Status ForEachEntry(const std::string& directory, Visit visit) const {
    // The names are read before any is visited, so that a deep tree holds no chain of descriptors.
    std::vector<std::pair<std::string, unsigned char>> entries;
    {
      Fd fd = OpenBeneath(root_, directory, O_RDONLY | O_DIRECTORY, resolve_);
      if (!fd.valid() && (errno == ENOENT || errno == ENOTDIR)) return {};
      const std::unique_ptr<DIR, CloseDirectory> opened(fd.valid() ? fdopendir(fd.get()) : nullptr);
      if (opened == nullptr) {
        return Failure(FileError(errno, FileAccess::kRead, "list", Shown(directory)));
      }
      fd.Release();
      errno = 0;
      while (const dirent* entry = readdir(opened.get())) {
        const std::string name = entry->d_name;
        if (name != "." && name != "..") entries.emplace_back(name, entry->d_type);
        errno = 0;
      }
      if (errno != 0) {
        return Failure(FileError(errno, FileAccess::kRead, "list", Shown(directory)));
      }
    }
    for (const auto& [name, type] : entries) BIZOND_RETURN_IF_ERROR(visit(name, type));
    return {};
  }

  const int root_;
  const uint64_t resolve_;
  const std::string shown_;
  std::set<std::string> matches_;
  std::set<std::tuple<char, std::string, size_t>> seen_;
};

}  // namespace

Result<std::vector<std::string>> Root::Glob(std::string_view pattern) const {
  BIZOND_ASSIGN_OR_RETURN(const std::string checked, CheckedPath(pattern, path_));
  if (checked.size() > kPatternBytesMax) {
    return Fail(
        ErrorKind::kPermanent, "too_many_matches",
        fmt::format("a pattern under {} is longer than {} bytes", path_.string(), kPatternBytesMax),
        "use a shorter pattern");
  }
  GlobWalk walk(directory_->get(), resolve_, path_.string());
  BIZOND_RETURN_IF_ERROR(walk.Match(checked.starts_with('/') ? "/" : ".", checked, 0));
  return walk.Take();
}

}  // namespace bizond
