#include "destinations/divergence.h"

#include <fmt/format.h>

#include "sync/start_over.h"

namespace bizond {

Error TargetDiverged(std::string_view target, std::string_view what) {
  return {.kind = ErrorKind::kPermanent,
          .code = "target_diverged",
          .message = fmt::format("{} is not what the last publication left: {}", target, what),
          .remedy =
              fmt::format("{}; to go on from what is there: on_target_changed: continue; to begin "
                          "beside it: another destination_id",
                          kStartOver)};
}

RunWarning TargetContinued(std::string_view target, std::string_view what) {
  return {.code = "target_diverged",
          .message = fmt::format("{} is not what the last publication left: {}; the run goes on "
                                 "from what is there (on_target_changed: continue)",
                                 target, what),
          .remedy = "find out who else writes it; what they wrote is not taken back"};
}

Error StagingLost(std::string_view staging, std::string_view what) {
  return {.kind = ErrorKind::kPermanent,
          .code = "staging_lost",
          .message = fmt::format("{}: {}", staging, what),
          .remedy =
              "something outside of bizond changed the staging, or removed it; nothing of this run "
              "is published: run the job again, and it stages everything anew"};
}

Error BadMark(std::string_view what, std::string_view text) {
  return {.kind = ErrorKind::kPermanent,
          .code = "bad_mark",
          .message = fmt::format("the stored {} cannot be read: {}", what, text.substr(0, 200)),
          .remedy = OrStartOver("a newer bizond may have written it: run that one")};
}

Error DeleteUnsupported(std::string_view destination) {
  return {.kind = ErrorKind::kPermanent,
          .code = "delete_unsupported",
          .message = fmt::format("the destination {} cannot delete rows", destination),
          .remedy = "choose a stream or a source that does not send deletes"};
}

}  // namespace bizond
