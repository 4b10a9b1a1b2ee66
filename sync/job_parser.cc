#include "sync/job_parser.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <map>
#include <memory>
#include <mutex>
#include <nlohmann/json.hpp>
#include <tuple>

#include "sync/job_document.h"
#include "sync/job_parser_rules.h"
#include "sync/job_schema.h"
#include "sync/job_schema_check.h"
#include "sync/secrets.h"

namespace bizond {
namespace {

using nlohmann::json;

enum class Writer { kApi, kFile, kStore };

constexpr std::string_view kPlainScheme = "plain://";

// An optional key that is there with nothing is an absent one, as in bizon's own models. In lists a
// null is a value.
void DropNulls(json* value) {
  if (value->is_object()) {
    for (auto item = value->begin(); item != value->end();) {
      if (item->is_null()) {
        item = value->erase(item);
      } else {
        DropNulls(&*item++);
      }
    }
  } else if (value->is_array()) {
    for (json& item : *value) DropNulls(&item);
  }
}

// A key that does not exist is wrong with a null, too.
void CheckNullKeys(const json& schema, const json& value, JobPath* path, IssueSink* sink) {
  static const json kNone = json::object();
  const auto found = schema.find("properties");
  const json& known = found == schema.end() ? kNone : *found;
  for (const auto& [key, item] : value.items()) {
    path->push_back({key});
    bool closed =
        schema.contains("additionalProperties") && schema["additionalProperties"] == false;
    if (item.is_null() && closed && !known.contains(key)) {
      std::vector<std::string> names;
      for (const auto& [name, property] : known.items()) names.push_back(name);
      auto nearest = NearestNames(key, names);
      sink->Error(PathText(*path), fmt::format("unknown key {}", QuoteForMessage(key)),
                  nearest.empty() ? "Remove it." : fmt::format("Did you mean {}?", nearest[0]),
                  true);
    } else if (item.is_object() && known.contains(key)) {
      CheckNullKeys(known[key], item, path, sink);
    }
    path->pop_back();
  }
}

// The text of `kind`.name, or nothing.
std::string ConnectorName(const json& job, const char* kind) {
  if (!job.contains(kind) || !job[kind].is_object()) return "";
  auto name = job[kind].find("name");
  return name == job[kind].end() || !name->is_string() ? "" : name->get<std::string>();
}

template <typename Row>
void CheckConnector(const char* kind, std::string_view name, std::span<const Row> rows,
                    std::span<const AbsentConnector> absent, IssueSink* sink) {
  if (name.empty()) return;  // The schema says that it is missing.
  std::vector<std::string> names;
  for (const Row& row : rows) names.emplace_back(row.name);
  if (std::find(names.begin(), names.end(), name) != names.end()) return;
  for (const AbsentConnector& row : absent) {
    if (row.name != name) continue;
    sink->Error(fmt::format("{}.name", kind),
                fmt::format("the {} {} is not part of this bizond", kind, QuoteForMessage(name)),
                std::string(row.remedy));
    return;
  }
  auto nearest = NearestNames(name, names);
  std::string remedy = nearest.empty() ? "" : fmt::format("Did you mean {}? ", nearest[0]);
  sink->Error(fmt::format("{}.name", kind),
              fmt::format("there is no {} {}", kind, QuoteForMessage(name)),
              fmt::format("{}There are: {}. List them: bizond {} list.", remedy,
                          fmt::join(names, ", "), kind));
}

json* Descend(json* value, const JobPath& path) {
  for (const PathStep& step : path) {
    value = step.index >= 0 ? &(*value)[static_cast<size_t>(step.index)] : &(*value)[step.key];
  }
  return value;
}

// Secrets leave the document here, before anything is made of it.
void TakeSecrets(const std::vector<JobPath>& secrets, Writer writer, json* job,
                 std::map<std::string, std::string>* plain, IssueSink* sink) {
  for (const JobPath& path : secrets) {
    json* value = Descend(job, path);
    const auto& text = value->get_ref<const std::string&>();
    if (text.empty() || writer == Writer::kStore) continue;
    if (IsSecretReference(text)) continue;
    if (writer == Writer::kApi) {
      sink->Error(PathText(path), "a job of the API holds no plain secret",
                  "Put a reference here: env://X, file://PATH, gsm://NAME or ${env://X}.");
      continue;
    }
    sink->Warn(PathText(path), "this secret stands in plain text",
               "Put a reference here: env://X, file://PATH, gsm://NAME or ${env://X}.");
    std::string reference = std::string(kPlainScheme) + PointerText(path);
    plain->emplace(reference, text);
    *value = reference;
  }
}

void SortIssues(std::vector<JobIssue>* issues) {
  std::stable_sort(issues->begin(), issues->end(), [](const JobIssue& a, const JobIssue& b) {
    return std::tie(a.line, a.column) < std::tie(b.line, b.column);
  });
}

void AddProblems(const std::vector<SchemaProblem>& problems, IssueSink* sink) {
  for (const SchemaProblem& problem : problems) {
    Position at =
        problem.at_key ? sink->document.KeyAt(problem.path) : sink->document.ValueAt(problem.path);
    sink->result->errors.push_back(
        {PathText(problem.path), at.line, at.column, problem.message, problem.remedy});
  }
}

// The schema of a job with these two connectors.
struct MergedSchema {
  explicit MergedSchema(json merged) : schema(std::move(merged)), validator(schema) {}

  const json schema;
  const SchemaValidator validator;
};

// Made once for each pair of connectors: a scheduler that meets a thousand definitions at one
// second has no time to make it for each.
std::shared_ptr<const MergedSchema> SchemaOf(const Catalog& catalog, std::string_view source,
                                             std::string_view destination) {
  using Texts = std::pair<std::string, std::string>;
  constexpr size_t kPairsKept = 100;
  static std::mutex mutex;
  static std::map<Texts, std::shared_ptr<const MergedSchema>> made;
  Texts texts{catalog.SourceFile(source, "schema.json"),
              catalog.DestinationFile(destination, "schema.json")};
  std::lock_guard lock(mutex);
  if (const auto found = made.find(texts); found != made.end()) return found->second;
  auto merged = std::make_shared<const MergedSchema>(MergeJobSchema(texts.first, texts.second));
  if (made.size() < kPairsKept) made.emplace(std::move(texts), merged);
  return merged;
}

void CheckDocument(const JobDocument& document, const Catalog& catalog, Writer writer,
                   ParsedJob* result) {
  IssueSink sink{document, result};
  json job = document.value();
  if (!job.is_object()) {
    Position at = document.ValueAt({});
    result->errors.push_back({"", at.line, at.column, "a job is a mapping of keys",
                              "Begin with name:, source: and destination:."});
    return;
  }
  std::string source = ConnectorName(job, "source");
  std::string destination = ConnectorName(job, "destination");
  CheckConnector("source", source, catalog.sources, {}, &sink);
  CheckConnector("destination", destination, catalog.destinations, catalog.absent_destinations,
                 &sink);
  const std::shared_ptr<const MergedSchema> merged = SchemaOf(catalog, source, destination);
  JobPath path;
  CheckNullKeys(merged->schema, job, &path, &sink);
  DropNulls(&job);
  SchemaFindings findings = WalkSchema(merged->schema, job);
  AddProblems(findings.problems, &sink);
  if (findings.problems.empty()) AddProblems(merged->validator.Check(job), &sink);
  JobSpec spec;
  TakeSecrets(findings.secrets, writer, &job, &spec.plain_secrets, &sink);
  if (result->errors.empty() || findings.problems.empty()) {
    auto plain = std::move(spec.plain_secrets);
    spec = ReadSpec(job);
    spec.plain_secrets = std::move(plain);
    CheckJobRules(job, spec, &sink);
    CheckCapabilities(spec, catalog, &sink);
    CheckChecks(spec, catalog, &sink);
  }
  WarnOfNoEffect(job, &sink);
  if (!result->errors.empty()) return;
  spec.source.config = job["source"].dump();
  spec.destination.config = job["destination"].value("config", json::object()).dump();
  spec.definition = job.dump();
  result->spec = std::move(spec);
}

ParsedJob Parse(std::string_view text, const Catalog& catalog, Writer writer) {
  ParsedJob result;
  auto document = JobDocument::Parse(text, &result.errors);
  if (document != nullptr) CheckDocument(*document, catalog, writer, &result);
  SortIssues(&result.errors);
  SortIssues(&result.warnings);
  constexpr size_t kIssuesShown = 100;
  if (result.errors.size() > kIssuesShown) result.errors.resize(kIssuesShown);
  return result;
}

}  // namespace

ParsedJob ParseJob(std::string_view text, const Catalog& catalog, JobOrigin origin) {
  return Parse(text, catalog, origin == JobOrigin::kApi ? Writer::kApi : Writer::kFile);
}

Result<JobSpec> ParseStoredJob(std::string_view definition, const Catalog& catalog) {
  ParsedJob parsed = Parse(definition, catalog, Writer::kStore);
  if (parsed.spec) return *std::move(parsed.spec);
  const JobIssue& first = parsed.errors.front();
  return Fail(ErrorKind::kConfig, "bad_stored_job",
              fmt::format("this version does not understand the stored job: {}{}{}", first.path,
                          first.path.empty() ? "" : ": ", first.message),
              fmt::format("{} Submit the job again in this form.", first.remedy));
}

JobIssue IssueAt(std::string_view text, std::string_view path, std::string message,
                 std::string remedy) {
  JobIssue issue{std::string(path), 0, 0, std::move(message), std::move(remedy)};
  std::vector<JobIssue> ignored;
  auto document = JobDocument::Parse(text, &ignored);
  if (document == nullptr) return issue;
  Position at = document->ValueAt(ParsePath(path));
  issue.line = at.line;
  issue.column = at.column;
  return issue;
}

std::string JobSchema(const Catalog& catalog, std::string_view source,
                      std::string_view destination) {
  return SchemaOf(catalog, source, destination)->schema.dump(2);
}

}  // namespace bizond
