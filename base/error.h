// Error and Result: how everything that bizond does not control reports failure.
//
// A function that can fail for a reason outside of this program (a disk, a file, a peer, a
// user's definition) returns Result<T>. A broken promise of our own throws std::logic_error and
// ends the run that met it.
//
// An Error is written for two readers: the retry policy reads `kind`, the person reads the rest.
// `code` is a stable lower_snake_case word which docs/errors.md explains; `message` says what
// failed and where; `remedy` names the next thing to do, as a command where there is one.
//
// Threads: values, no shared state.
#ifndef BIZOND_BASE_ERROR_H_
#define BIZOND_BASE_ERROR_H_

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <utility>

namespace bizond {

enum class ErrorKind {
  kTransient,  // The same call may succeed later: retried by policy.
  kPermanent,  // The same call fails again until somebody changes something.
  kConfig,     // The definition is wrong: found before or at the start of a run.
  kStopped,    // A stop was asked for: not a failure.
};

// "transient", "permanent", "config" or "stopped".
std::string_view ErrorKindName(ErrorKind kind);
std::optional<ErrorKind> ParseErrorKind(std::string_view name);

struct Error {
  ErrorKind kind = ErrorKind::kPermanent;
  std::string code;
  std::string message;
  std::string remedy;
  // A peer's own word on when to come back; the retry policy waits at least this long.
  std::optional<std::chrono::milliseconds> retry_after = std::nullopt;

  friend bool operator==(const Error&, const Error&) = default;
};

template <typename T>
using Result = tl::expected<T, Error>;
using Status = Result<void>;

using Failure = tl::unexpected<Error>;

// `return Fail(...)` from any function that returns a Result.
Failure Fail(ErrorKind kind, std::string_view code, std::string message, std::string remedy = "");

// An Error from errno: the kind follows from the number (ENOSPC, EAGAIN, EMFILE, EDQUOT and EIO are
// transient or permanent as the retry policy needs it), the message is `what` + ": " + strerror.
Error ErrnoError(int errno_value, std::string what, std::string remedy = "");

// The error of a stopped wait or a cancelled run.
Error StoppedError(std::string_view what);

// One line: "message (code). remedy".
std::string Describe(const Error& error);

}  // namespace bizond

// Returns the error of `expr` (a Status or Result) from the calling function. May stand inside a
// lambda that is part of another one's `expr`.
#define BIZOND_CONCAT_INNER_(a, b) a##b
#define BIZOND_CONCAT_(a, b) BIZOND_CONCAT_INNER_(a, b)
#define BIZOND_RETURN_IF_ERROR(expr) \
  BIZOND_RETURN_IF_ERROR_IMPL_(BIZOND_CONCAT_(bizond_status_, __COUNTER__), expr)
#define BIZOND_RETURN_IF_ERROR_IMPL_(status, expr)             \
  do {                                                         \
    if (auto status = (expr); !status) {                       \
      return ::tl::make_unexpected(std::move(status).error()); \
    }                                                          \
  } while (false)

// BIZOND_ASSIGN_OR_RETURN(auto file, OpenFile(path));
#define BIZOND_ASSIGN_OR_RETURN(lhs, expr) \
  BIZOND_ASSIGN_OR_RETURN_IMPL_(BIZOND_CONCAT_(bizond_result_, __COUNTER__), lhs, expr)
#define BIZOND_ASSIGN_OR_RETURN_IMPL_(result, lhs, expr)                \
  auto result = (expr);                                                 \
  if (!result) return ::tl::make_unexpected(std::move(result).error()); \
  lhs = std::move(*result)

#endif  // BIZOND_BASE_ERROR_H_
