// FileList: which files a job's path means, and the snapshot of them that a run goes by.
//
// A path that exists is that file; any other with *, ? or [ is a glob, its files sorted by name.
//
// Error codes: no_files, too_many_files, bad_checkpoint, and those of base/fs.h.
//
// Threads: values.
#ifndef BIZOND_SOURCES_FILE_FILE_LIST_H_
#define BIZOND_SOURCES_FILE_FILE_LIST_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/fs.h"

namespace bizond {

struct ListedFile {
  std::string name;  // Relative to the root.
  FileInfo info;
};

struct FileList {
  Root root;
  bool is_glob = false;
  std::vector<ListedFile> files;
};

// At most kFilesMax files, so that a snapshot of them stays small.
inline constexpr size_t kFilesMax = 10'000;

// An empty glob is no error here.
Result<FileList> ListFiles(const Roots& roots, std::string_view path);
Failure NoFiles(std::string_view path);

// One file of a run, fixed by its first iteration.
struct PlannedFile {
  std::string name;
  uint64_t inode = 0;
  uint64_t end = 0;    // Its size then: what is written later is the next run's.
  uint64_t start = 0;  // Where reading begins (decompressed), and the line there.
  uint64_t line = 1;
  bool skip = false;  // Nothing in it is new.
  // By position: the mark that it goes on from, as in KnownFile.
  std::optional<size_t> mark = std::nullopt;
  bool was_plain = false;
};

std::string EncodePlan(const std::vector<PlannedFile>& files);
// Of a run that began under format 1 the files name no marks: `*names_marks` is false, and a file
// goes on from the mark of its inode.
Result<std::vector<PlannedFile>> DecodePlan(std::string_view text, bool* names_marks);

}  // namespace bizond

#endif  // BIZOND_SOURCES_FILE_FILE_LIST_H_
