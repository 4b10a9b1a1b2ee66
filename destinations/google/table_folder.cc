#include "destinations/google/table_folder.h"

#include <fmt/format.h>

#include "base/identity.h"

namespace bizond {

Result<Location> OpenTableFolder(const std::optional<Root>& state_dir) {
  if (!state_dir) {
    return Fail(ErrorKind::kConfig, "no_state_dir",
                "the destination was opened without a state directory: it cannot be written");
  }
  BIZOND_RETURN_IF_ERROR(state_dir->MakeDirectories(kTableFolder));
  return Location{*state_dir, std::string(kTableFolder)};
}

Result<FileLock> LockTable(const Location& folder, const BigQueryTableName& target) {
  return FileLock::TryAcquire(
      folder.root,
      fmt::format("{}/{}.lock", folder.path, HexOf(HashBytes(target.Dotted())).substr(0, 16)));
}

}  // namespace bizond
