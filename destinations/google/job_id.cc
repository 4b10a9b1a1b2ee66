#include "destinations/google/job_id.h"

#include <fmt/format.h>

#include "base/identity.h"

namespace bizond {

std::string JobIdStem(const JobIdentity& identity) {
  std::string hashed;
  for (const std::string_view part :
       {identity.run, identity.table, identity.purpose, identity.content}) {
    hashed += fmt::format("{}:{},", part.size(), part);
  }
  hashed += std::to_string(identity.batch);
  return "bizond-" + Sha256Hex(hashed).substr(0, 40);
}

std::string JobId(std::string_view stem, int attempt) {
  return fmt::format("{}-a{}", stem, attempt);
}

}  // namespace bizond
