#include "store/change.h"

#include <fmt/format.h>

namespace bizond {

Failure Conflict(std::string what, std::string remedy) {
  return Fail(ErrorKind::kPermanent, "conflict", std::move(what), std::move(remedy));
}

Failure NotFound(std::string_view kind, std::string_view name, std::string remedy) {
  return Fail(ErrorKind::kPermanent, "not_found", fmt::format("there is no {} \"{}\"", kind, name),
              std::move(remedy));
}

}  // namespace bizond
