// The steps of ParseJob after the schema: reading the typed values, and the rules across keys.
//
// Threads: pure functions.
#ifndef BIZOND_SYNC_JOB_PARSER_RULES_H_
#define BIZOND_SYNC_JOB_PARSER_RULES_H_

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "sync/job_document.h"

namespace bizond {

// Collects issues with the places of their paths.
struct IssueSink {
  const JobDocument& document;
  ParsedJob* result;

  void Error(std::string_view path, std::string message, std::string remedy, bool at_key = false);
  void Warn(std::string_view path, std::string message, std::string remedy);
};

// The fields of a document that its schema accepts; `definition` and the configs stay empty.
JobSpec ReadSpec(const nlohmann::json& job);

// Rules that do not need the connectors' descriptors, or that a schema says badly: names, what goes
// together, what is refused.
void CheckJobRules(const nlohmann::json& job, const JobSpec& spec, IssueSink* sink);
// What the connectors can do.
void CheckCapabilities(const JobSpec& spec, const Catalog& catalog, IssueSink* sink);
// What a run of the job can be held to.
void CheckChecks(const JobSpec& spec, const Catalog& catalog, IssueSink* sink);
// Keys that are accepted and mean nothing here.
void WarnOfNoEffect(const nlohmann::json& job, IssueSink* sink);

}  // namespace bizond

#endif  // BIZOND_SYNC_JOB_PARSER_RULES_H_
