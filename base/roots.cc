#include <fmt/format.h>

#include "base/beneath.h"
#include "base/fs.h"

namespace bizond {
namespace {

// The rest of `path` below `directory`, "." for the directory itself; both absolute and normal.
std::optional<std::string> Below(const std::filesystem::path& directory, const std::string& path) {
  std::string prefix = directory.string();
  if (path == prefix || path == prefix + "/") return ".";
  if (!prefix.ends_with('/')) prefix += '/';
  if (!path.starts_with(prefix)) return std::nullopt;
  return path.substr(prefix.size());
}

}  // namespace

Result<Roots> Roots::Open(const std::filesystem::path& base,
                          const std::vector<std::filesystem::path>& others) {
  Roots roots;
  BIZOND_ASSIGN_OR_RETURN(Root first, Root::Create(base));
  roots.roots_.push_back(std::move(first));
  for (const auto& other : others) {
    BIZOND_ASSIGN_OR_RETURN(Root root, Root::Open(other));
    roots.roots_.push_back(std::move(root));
  }
  return roots;
}

Result<Roots> Roots::Unrestricted(const std::filesystem::path& base) {
  Roots roots;
  roots.unrestricted_ = true;
  for (const std::filesystem::path& directory : {base, std::filesystem::path("/")}) {
    BIZOND_ASSIGN_OR_RETURN(Root root, Root::Open(directory));
    root.resolve_ = 0;
    roots.roots_.push_back(std::move(root));
  }
  return roots;
}

Result<Location> Roots::Resolve(std::string_view path) const {
  const Root& base = roots_.at(0);
  BIZOND_ASSIGN_OR_RETURN(std::string checked, CheckedPath(path, base.path()));
  if (unrestricted_) {
    if (!checked.starts_with('/')) return Location{base, std::move(checked)};
    const size_t start = checked.find_first_not_of('/');
    return Location{roots_.at(1), start == std::string::npos ? "." : checked.substr(start)};
  }
  // Lexical: the kernel has the last word when the path is opened. Of two roots that hold the path
  // the inner one is taken, so that a link may lead anywhere in the outer one only if asked for.
  const std::string whole = (base.path() / checked).lexically_normal().string();
  std::optional<Location> best;
  for (const Root& root : roots_) {
    for (const std::filesystem::path* directory : {&root.path_, &root.spelled_}) {
      std::optional<std::string> rest = Below(*directory, whole);
      if (rest && (!best || rest->size() < best->path.size())) best = Location{root, *rest};
    }
  }
  if (best) return std::move(*best);
  std::string names;
  for (const Root& root : roots_) names += (names.empty() ? "" : ", ") + root.path().string();
  return Fail(
      ErrorKind::kPermanent, "outside_roots",
      fmt::format("{} lies outside of the directories that jobs may touch: {}", whole, names),
      "move it into one of them, or start bizond with --root and its directory");
}

}  // namespace bizond
