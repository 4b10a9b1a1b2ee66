// The catalogue of error codes: what each means, what to do, and whether data is safe.
//
// A test holds that every code which the sources can report has its row.
//
// Threads: constants.
#ifndef BIZOND_CLI_ERROR_CODES_H_
#define BIZOND_CLI_ERROR_CODES_H_

#include <span>
#include <string_view>

namespace bizond {

// What an error leaves behind.
enum class DataSafety {
  kUntouched,   // Found before anything was written.
  kResumable,   // A run was cut off: what is published stays, the next run goes on.
  kNotChanged,  // A request was refused: everything is as it was.
  kCheckFirst,  // Somebody should look before going on.
};

struct ErrorCodeRow {
  std::string_view code;
  std::string_view meaning;
  std::string_view remedy;
  DataSafety safety;
};

std::span<const ErrorCodeRow> AllErrorCodes();
const ErrorCodeRow* FindErrorCode(std::string_view code);  // nullptr: unknown
std::string_view SafetyText(DataSafety safety);

}  // namespace bizond

#endif  // BIZOND_CLI_ERROR_CODES_H_
