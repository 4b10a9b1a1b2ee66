#include "destinations/google/access.h"

#include <fmt/format.h>

#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>

#include "destinations/google/google_error.h"

namespace bizond {
namespace {

using nlohmann::json;
using State = AccessCheck::State;

// No table is made of that name: a dry run stops before.
constexpr std::string_view kProbeTable = "bizond_access_probe";

// Where a permission is granted, and by which role.
struct Grant {
  std::string on;
  std::string role;
  std::string command;
};

struct Answer {
  int status = 0;
  GoogleRefusal refusal;  // Of a status that is none of 2xx.
  json body;

  bool yes() const { return status / 100 == 2; }
  bool denied() const {
    const std::string& reason = refusal.reason;
    return status == 403 && (reason.empty() || reason == "accessDenied" || reason == "forbidden");
  }
};

class Prober {
 public:
  Prober(GoogleTransport* bigquery, GoogleTransport* storage, const BigQueryEndpoints& endpoints,
         const AccessQuestion& question, std::stop_token stop)
      : bigquery_(bigquery),
        storage_(storage),
        endpoints_(endpoints),
        question_(question),
        stop_(std::move(stop)) {}

  Result<std::vector<AccessCheck>> Run() {
    BIZOND_ASSIGN_OR_RETURN(const Answer dataset, Ask({.url = DatasetUrl()}));
    dataset_absent_ = dataset.status == 404;
    std::vector<AccessCheck> checks;
    for (const NeededPermission& need : question_.needed) {
      if (need.permission == "bigquery.datasets.create" && !dataset_absent_) continue;
      AccessCheck check{.permission = std::string(need.permission),
                        .on = GrantOf(need.permission).on,
                        .needed_for = std::string(need.needed_for)};
      BIZOND_RETURN_IF_ERROR(Probe(need.permission, dataset, &check));
      checks.push_back(std::move(check));
    }
    for (AccessCheck& check : checks) {
      if (check.state == State::kMissing) check.error = Missing(check);
    }
    return checks;
  }

 private:
  Status Probe(std::string_view permission, const Answer& dataset, AccessCheck* check) {
    if (permission.starts_with("storage.")) return ProbeBucket(check);
    if (permission == "bigquery.jobs.create") return ProbeByDryRun("SELECT 1", check);
    if (permission == "bigquery.datasets.get") {
      Judge(dataset, check);
      return {};
    }
    const std::string& project = question_.target.project;
    const std::string& id = question_.target.dataset;
    if (permission == "bigquery.datasets.create") {
      return ProbeByDryRun(fmt::format("CREATE SCHEMA `{}.{}`", project, id), check);
    }
    if (dataset_absent_) {
      check->why = "the dataset is not there yet, and who makes it owns it";
      return {};
    }
    if (permission == "bigquery.tables.create") {
      return ProbeByDryRun(
          fmt::format("CREATE TABLE `{}.{}.{}` (n INT64)", project, id, kProbeTable), check);
    }
    if (permission == "bigquery.tables.list") {
      return ProbeByReading(DatasetUrl() + "/tables?maxResults=1", check);
    }
    if (permission == "bigquery.tables.get") return ProbeByReading(TableUrl(), check);
    return ProbeTable(check);
  }

  // ---- the ways to ask ----

  Status ProbeByReading(const std::string& url, AccessCheck* check) {
    BIZOND_ASSIGN_OR_RETURN(const Answer answer, Ask({.url = url}));
    Judge(answer, check);
    return {};
  }

  Status ProbeByDryRun(const std::string& sql, AccessCheck* check) {
    const json body = {
        {"configuration", {{"dryRun", true}, {"query", {{"query", sql}, {"useLegacySql", false}}}}},
        {"jobReference",
         {{"projectId", question_.target.project}, {"location", question_.location}}}};
    BIZOND_ASSIGN_OR_RETURN(
        const Answer answer,
        Ask({.method = "POST", .url = ProjectUrl() + "/jobs", .body = body.dump()}));
    if (answer.yes()) account_ = JsonText(answer.body, "user_email");
    if (answer.status == 404) {
      check->why = "BigQuery answers: " + answer.refusal.message;
      return {};
    }
    Judge(answer, check);
    return {};
  }

  Status ProbeTable(AccessCheck* check) {
    if (!table_permissions_) {
      BIZOND_RETURN_IF_ERROR(AskAboutTable());
    }
    if (!table_untested_.empty()) {
      check->why = table_untested_;
    } else {
      check->state =
          table_permissions_->contains(check->permission) ? State::kGranted : State::kMissing;
    }
    return {};
  }

  Status AskAboutTable() {
    table_permissions_.emplace();
    json asked = json::array();
    for (const NeededPermission& need : question_.needed) {
      // These two are of a dataset, and no question about a table.
      const bool other =
          need.permission == "bigquery.tables.create" || need.permission == "bigquery.tables.list";
      if (need.permission.starts_with("bigquery.tables.") && !other) {
        asked.push_back(need.permission);
      }
    }
    BIZOND_ASSIGN_OR_RETURN(const Answer table, Ask({.url = TableUrl()}));
    if (table.status == 404) {
      table_untested_ = "the table is not there yet, and BigQuery tells it of tables alone";
      return {};
    }
    BIZOND_ASSIGN_OR_RETURN(const Answer answer,
                            Ask({.method = "POST",
                                 .url = TableUrl() + ":testIamPermissions",
                                 .body = json{{"permissions", asked}}.dump()}));
    ReadPermissions(answer, &*table_permissions_, &table_untested_);
    if (!table.yes() && table_permissions_->empty() && table_untested_.empty()) {
      table_untested_ = "without bigquery.tables.get nobody sees whether the table is there";
    }
    return {};
  }

  Status ProbeBucket(AccessCheck* check) {
    if (!bucket_permissions_) {
      bucket_permissions_.emplace();
      std::string url = fmt::format("{}/storage/v1/b/{}/iam/testPermissions", endpoints_.storage,
                                    EncodePathSegment(question_.bucket));
      char separator = '?';
      for (const NeededPermission& need : question_.needed) {
        if (!need.permission.starts_with("storage.")) continue;
        url += fmt::format("{}permissions={}", separator, need.permission);
        separator = '&';
      }
      BIZOND_ASSIGN_OR_RETURN(const Answer answer, Ask({.url = url}, storage_));
      ReadPermissions(answer, &*bucket_permissions_, &bucket_untested_);
    }
    if (!bucket_untested_.empty()) {
      check->why = bucket_untested_;
    } else {
      check->state =
          bucket_permissions_->contains(check->permission) ? State::kGranted : State::kMissing;
    }
    return {};
  }

  static void ReadPermissions(const Answer& answer, std::set<std::string>* out,
                              std::string* untested) {
    if (!answer.yes()) {
      *untested = "Google answers: " + answer.refusal.message;
      return;
    }
    const auto listed = answer.body.find("permissions");
    if (listed == answer.body.end() || !listed->is_array()) return;
    for (const json& one : *listed) {
      if (one.is_string()) out->insert(one.get<std::string>());
    }
  }

  // What an answer to the very act says. A thing that is not found is one that may be looked for.
  static void Judge(const Answer& answer, AccessCheck* check) {
    if (answer.yes() || answer.status == 404) {
      check->state = State::kGranted;
      return;
    }
    const std::string named = PermissionNamedIn(answer.refusal.message);
    if (answer.denied() && (named.empty() || named == check->permission)) {
      check->state = State::kMissing;
    } else if (answer.denied()) {
      check->why = fmt::format("asking for it needs {}", named);
    } else {
      check->why = "BigQuery answers: " + answer.refusal.message;
    }
  }

  Result<Answer> Ask(GoogleCall call) { return Ask(std::move(call), bigquery_); }
  Result<Answer> Ask(GoogleCall call, GoogleTransport* transport) {
    // An emulator may not know the question at all.
    call.answers = {400, 403, 404, 405, 409, 412, 501};
    BIZOND_ASSIGN_OR_RETURN(const HttpResponse response, transport->Send(call, stop_));
    Answer answer;
    answer.status = response.status;
    if (answer.yes()) {
      answer.body = json::parse(response.body, nullptr, false);
      if (!answer.body.is_object()) answer.body = json::object();
    } else {
      answer.refusal = ParseRefusal(response);
    }
    return answer;
  }

  std::string ProjectUrl() const {
    return fmt::format("{}/bigquery/v2/projects/{}", endpoints_.rest,
                       EncodePathSegment(question_.target.project));
  }
  std::string DatasetUrl() const {
    return ProjectUrl() + "/datasets/" + EncodePathSegment(question_.target.dataset);
  }
  std::string TableUrl() const {
    return DatasetUrl() + "/tables/" + EncodePathSegment(question_.target.table);
  }

  // ---- what is said of a permission that is missing ----

  // "serviceAccount:a@p.iam.gserviceaccount.com"
  std::string Member() const {
    const std::string account = Account();
    if (account.empty()) return "serviceAccount:ACCOUNT";
    return (account.ends_with(".gserviceaccount.com") ? "serviceAccount:" : "user:") + account;
  }

  std::string Account() const {
    const auto key = json::parse(question_.service_account_key, nullptr, false);
    const std::string email = JsonText(key, "client_email");
    // It ends up in a command that a person may run.
    const std::string& account = email.empty() ? account_ : email;
    const bool plain = account.find_first_of("'\"\\`$ \t\n") == std::string::npos;
    return plain ? ServiceText(account) : "";
  }

  Grant GrantOf(std::string_view permission) const {
    const std::string& project = question_.target.project;
    const std::string& dataset = question_.target.dataset;
    if (permission.starts_with("storage.")) {
      const std::string role = "roles/storage.objectAdmin";
      return {"bucket " + question_.bucket, role,
              fmt::format("gcloud storage buckets add-iam-policy-binding gs://{} --member={} "
                          "--role={}",
                          question_.bucket, Member(), role)};
    }
    if (permission == "bigquery.jobs.create" || permission == "bigquery.datasets.create") {
      const std::string role =
          permission == "bigquery.jobs.create" ? "roles/bigquery.jobUser" : "roles/bigquery.user";
      return {"project " + project, role,
              fmt::format("gcloud projects add-iam-policy-binding {} --member={} --role={}",
                          project, Member(), role)};
    }
    const std::string role = "roles/bigquery.dataEditor";
    return {fmt::format("dataset {}.{}", project, dataset), role,
            fmt::format("bq query --project_id={} --use_legacy_sql=false 'GRANT `{}` ON SCHEMA "
                        "`{}.{}` TO \"{}\"'",
                        project, role, project, dataset, Member())};
  }

  Error Missing(const AccessCheck& check) const {
    const Grant grant = GrantOf(check.permission);
    const std::string account = Account();
    return {.kind = ErrorKind::kPermanent,
            .code = "permission_missing",
            .message = fmt::format("{} lacks {} on the {}, which is needed for {}",
                                   account.empty() ? "the account" : account, check.permission,
                                   check.on, check.needed_for),
            .remedy = fmt::format("grant it, for instance by the role {}: {}", grant.role,
                                  grant.command)};
  }

  GoogleTransport* const bigquery_;
  GoogleTransport* const storage_;
  const BigQueryEndpoints& endpoints_;
  const AccessQuestion& question_;
  const std::stop_token stop_;
  std::string account_;  // As BigQuery has it.
  bool dataset_absent_ = false;
  std::optional<std::set<std::string>> table_permissions_;
  std::string table_untested_;  // Why; empty: BigQuery has told.
  std::optional<std::set<std::string>> bucket_permissions_;
  std::string bucket_untested_;
};

}  // namespace

std::string PermissionNamedIn(std::string_view message) {
  constexpr std::string_view kLetters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.";
  for (const std::string_view service : {"bigquery.", "storage."}) {
    for (size_t at = message.find(service); at != message.npos;
         at = message.find(service, at + 1)) {
      std::string_view word = message.substr(at);
      word = word.substr(0, word.find_first_not_of(kLetters));
      while (word.ends_with('.')) word.remove_suffix(1);
      // "bigquery.tables.create", and not "bigquery.googleapis.com".
      const size_t first = word.find('.');
      const size_t second = word.find('.', first + 1);
      if (second == word.npos || word.find('.', second + 1) != word.npos) continue;
      if (!word.ends_with(".com")) return std::string(word);
    }
  }
  return "";
}

Result<std::vector<AccessCheck>> CheckGoogleAccess(GoogleTransport* bigquery,
                                                   GoogleTransport* storage,
                                                   const BigQueryEndpoints& endpoints,
                                                   const AccessQuestion& question,
                                                   std::stop_token stop) {
  return Prober(bigquery, storage, endpoints, question, std::move(stop)).Run();
}

}  // namespace bizond
