#include "destinations/file/file_place.h"

#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>

#include "base/file_error.h"

namespace bizond {
namespace {

namespace fs = std::filesystem;

// A longer name has no room for what the staging and the lock add to it (NAME_MAX is 255).
constexpr size_t kNameBytesMax = 230;

// Another job's staging would be this one's target.
bool IsStagingName(const fs::path& name) {
  const std::string stem = name.stem();
  return stem.ends_with("_temp") || stem.ends_with("_incremental");
}

Status CheckName(std::string_view id) {
  const std::string name = fs::path(id).filename();
  if (IsStagingName(name)) {
    return Fail(ErrorKind::kConfig, "bad_destination_id",
                fmt::format("destination_id '{}' ends as the staging of another one does",
                            id.substr(0, 300)),
                "choose one that does not end in _temp or _incremental");
  }
  if (!name.empty() && name != "." && name != ".." && name.size() <= kNameBytesMax &&
      id.find('\0') == std::string_view::npos) {
    return {};
  }
  return Fail(ErrorKind::kConfig, "bad_destination_id",
              fmt::format("destination_id '{}' is no file name of 1 to {} bytes", id.substr(0, 300),
                          kNameBytesMax),
              "set destination.config.destination_id to the name of a file");
}

}  // namespace

Result<FilePlace> FilePlace::Find(const Roots& roots, std::string_view destination_id) {
  BIZOND_RETURN_IF_ERROR(CheckName(destination_id));
  const std::string id(destination_id);
  const std::string bizons = id + ".json";
  BIZOND_ASSIGN_OR_RETURN(Location location, roots.Resolve(bizons));
  if (fs::path(id).has_extension()) {
    BIZOND_ASSIGN_OR_RETURN(const auto left_by_bizon, location.root.Stat(location.path));
    BIZOND_ASSIGN_OR_RETURN(const Location named, roots.Resolve(id));
    BIZOND_ASSIGN_OR_RETURN(const auto present, named.root.Stat(named.path));
    if (present || !left_by_bizon) location = named;
  }
  // A link out of the roots is refused here; one that stays inside is followed once and for all.
  BIZOND_RETURN_IF_ERROR(location.root.Stat(location.path));
  std::error_code problem;
  const fs::path real = fs::weakly_canonical(location.Display(), problem);
  if (!problem && real != location.Display()) {
    BIZOND_ASSIGN_OR_RETURN(location, roots.Resolve(real.string()));
  }
  return FilePlace(std::move(location));
}

std::string FilePlace::Staging(PublishMode mode) const {
  const fs::path path(target_.path);
  const std::string_view suffix = mode == PublishMode::kReplace ? "_temp" : "_incremental";
  const std::string name =
      fmt::format("{}{}{}", path.stem().string(), suffix, path.extension().string());
  return (path.parent_path() / name).string();
}

std::string FilePlace::Lock() const {
  const fs::path path(target_.path);
  return (path.parent_path() / fmt::format(".{}.lock", path.filename().string())).string();
}

Result<std::optional<FileInfo>> FilePlace::StatTarget() const {
  BIZOND_ASSIGN_OR_RETURN(const std::optional<FileInfo> info, target_.root.Stat(target_.path));
  if (info && !info->is_regular) {
    return Failure(NotAFileError(Display(), info->is_directory ? "a directory" : "a special file"));
  }
  return info;
}

Status FilePlace::CheckWritable() const {
  BIZOND_RETURN_IF_ERROR(StatTarget());
  // The nearest directory that exists: the ones below it are made when the run opens.
  fs::path directory = fs::path(Display()).parent_path();
  std::error_code ignored;
  while (!fs::exists(directory, ignored) && directory.has_relative_path()) {
    directory = directory.parent_path();
  }
  if (access(directory.c_str(), W_OK | X_OK) == 0) return {};
  return Failure(FileError(errno, FileAccess::kWrite, "write into", directory.string()));
}

}  // namespace bizond
