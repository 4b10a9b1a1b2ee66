// PublicationChecks: whether what a run has staged may take the place of what is published.
//
// A staging that fails a check is no error of its own: the run is held, with the staging kept,
// until a person approves or cancels it.
//
// Threads: pure functions.
#ifndef BIZOND_SYNC_PUBLICATION_CHECKS_H_
#define BIZOND_SYNC_PUBLICATION_CHECKS_H_

#include <cstdint>
#include <optional>
#include <string_view>

#include "base/error.h"
#include "sync/job_spec.h"

namespace bizond {

// Why a staging of `rows` is held back; nullopt: it is not. `published_before` are the rows that
// the last full refresh of the stream published; nullopt: there was none, or this is not one.
std::optional<Error> JudgeRows(const ChecksSpec& checks, std::string_view stream, uint64_t rows,
                               std::optional<uint64_t> published_before);

// Whether an attempt ended with what JudgeRows said.
bool IsHeldByCheck(const Error& error);

}  // namespace bizond

#endif  // BIZOND_SYNC_PUBLICATION_CHECKS_H_
