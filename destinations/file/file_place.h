// FilePlace: where a file destination writes: the target, its two stagings and its lock.
//
// All four lie in one directory, so that a rename publishes. The target is `<destination_id>.json`
// unless destination_id has an extension of its own; a file that bizon left as
// `<destination_id>.json` is used on. Symbolic links are resolved first, inside the roots: a rename
// replaces the file, not the link.
//
// Threads: immutable after construction.
#ifndef BIZOND_DESTINATIONS_FILE_FILE_PLACE_H_
#define BIZOND_DESTINATIONS_FILE_FILE_PLACE_H_

#include <optional>
#include <string>
#include <string_view>

#include "base/error.h"
#include "base/fs.h"
#include "sync/destination.h"

namespace bizond {

class FilePlace {
 public:
  // Codes outside_roots, not_a_file, bad_destination_id.
  static Result<FilePlace> Find(const Roots& roots, std::string_view destination_id);

  const Root& root() const { return target_.root; }
  const std::string& target() const { return target_.path; }
  // "<id>_temp.json" of kReplace, "<id>_incremental.json" of kAppend.
  std::string Staging(PublishMode mode) const;
  // ".<id>.json.lock"
  std::string Lock() const;
  std::string Display() const { return target_.Display(); }

  // The target as it is; nullopt: absent. Code not_a_file.
  Result<std::optional<FileInfo>> StatTarget() const;
  // Whether the target can be written, as far as that shows without writing.
  Status CheckWritable() const;

 private:
  explicit FilePlace(Location target) : target_(std::move(target)) {}
  Location target_;
};

}  // namespace bizond

#endif  // BIZOND_DESTINATIONS_FILE_FILE_PLACE_H_
