// CheckJobSchema: a document against its merged schema, with words for people.
//
// The walk over schema and document finds the problems in its own words, and the secrets
// ("writeOnly") on its way. What it finds nothing wrong with is given to valijson, which knows
// every keyword of draft 7 and has the last word.
//
// Threads: pure functions; a SchemaValidator is constant.
#ifndef BIZOND_SYNC_JOB_SCHEMA_CHECK_H_
#define BIZOND_SYNC_JOB_SCHEMA_CHECK_H_

#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "sync/job_document.h"

namespace bizond {

struct SchemaProblem {
  JobPath path;
  bool at_key = false;  // The key is wrong, not its value.
  std::string message;
  std::string remedy;
};

struct SchemaFindings {
  std::vector<SchemaProblem> problems;
  // Every text that a writeOnly schema describes, and those of an "x-freeForm" object that
  // sync/secret_names.h takes for secrets.
  std::vector<JobPath> secrets;
};

// `document` holds no nulls in its objects (an optional key with a null is an absent one).
SchemaFindings WalkSchema(const nlohmann::json& schema, const nlohmann::json& document);

// A schema as valijson has it. Compiling one takes far longer than its use, so that it is kept.
// `pattern` and `format` are the walk's: valijson hands patterns to std::regex, whose recursion a
// long text drives off the stack.
class SchemaValidator {
 public:
  explicit SchemaValidator(const nlohmann::json& schema);
  ~SchemaValidator();
  SchemaValidator(const SchemaValidator&) = delete;
  SchemaValidator& operator=(const SchemaValidator&) = delete;

  // Empty: it accepts the document. Otherwise its own words on what it does not.
  std::vector<SchemaProblem> Check(const nlohmann::json& document) const;

 private:
  struct Compiled;
  const std::unique_ptr<const Compiled> compiled_;
};

}  // namespace bizond

#endif  // BIZOND_SYNC_JOB_SCHEMA_CHECK_H_
