// FileError: the one place where errno of a file operation becomes an Error.
//
// Threads: pure functions.
#ifndef BIZOND_BASE_FILE_ERROR_H_
#define BIZOND_BASE_FILE_ERROR_H_

#include <string_view>

#include "base/error.h"

namespace bizond {

enum class FileAccess { kRead, kWrite };

// `action` is the verb of the message: "open", "write to". The code depends on `access` where the
// same errno means another thing (EACCES: file_unreadable or file_unwritable).
Error FileError(int errno_value, FileAccess access, std::string_view action, std::string_view path);

// The path leads to something that is not a regular file; `what` names it: "a directory".
Error NotAFileError(std::string_view path, std::string_view what);

}  // namespace bizond

#endif  // BIZOND_BASE_FILE_ERROR_H_
