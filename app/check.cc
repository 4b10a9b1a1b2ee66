// The verbs that look and connect: check, secrets check.
#include <nlohmann/json.hpp>

#include "app/composition.h"
#include "app/job_file.h"
#include "web/problem.h"
#include "web/run_json.h"

namespace bizond {
namespace {

using nlohmann::json;

struct Probe {
  std::string stream;
  std::string what;  // "source", "destination"
  Status status;
};

struct StreamAccess {
  std::string stream;
  AccessCheck check;
};

struct Findings {
  std::vector<Probe> probes;
  std::vector<StreamAccess> access;
};

void ProbeStream(const JobFile& file, const std::string& stream, Clock& clock,
                 const std::stop_token& stop, Findings* out) {
  Result<OpenedStream> opened = OpenStream(file, stream, clock);
  if (!opened) {
    out->probes.push_back({stream, "definition", tl::make_unexpected(opened.error())});
    return;
  }
  Destination& destination = *opened->destination;
  out->probes.push_back({stream, "source", opened->source->CheckConnection(stop)});
  const Status reached = destination.CheckConnection(stop);
  out->probes.push_back({stream, "destination", reached});
  // One that refuses us may say what is missing; one that cannot be reached says nothing.
  if (!reached && reached.error().kind != ErrorKind::kPermanent) return;
  auto access = destination.CheckAccess(PublishModeOf(file.spec, /*reset=*/false), stop);
  if (!access) {
    if (reached) {
      out->probes.push_back({stream, "permissions", tl::make_unexpected(access.error())});
    }
    return;
  }
  for (AccessCheck& check : *access) out->access.push_back({stream, std::move(check)});
}

// "orders: bigquery.tables.create on dataset p1.d granted"
std::string Line(const StreamAccess& one) {
  std::string line = one.stream + ": " + one.check.permission + " on " + one.check.on + " " +
                     AccessStateName(one.check.state);
  if (!one.check.why.empty()) line += " (" + one.check.why + ")";
  return line;
}

json AccessJson(const StreamAccess& one) {
  const AccessCheck& check = one.check;
  return {{"stream", one.stream},
          {"permission", check.permission},
          {"on", check.on},
          {"needed_for", check.needed_for},
          {"state", AccessStateName(check.state)},
          {"why", check.why.empty() ? json() : json(check.why)},
          {"error", ErrorJson(check.error)}};
}

}  // namespace

int CheckJobFile(const JobFileOptions& options, Console& console) {
  Signals signals;
  RealClock clock;
  const OpenedJobFile opened = OpenJobFile(options, console, /*as_new=*/true);
  if (!opened.file) return opened.exit_code;
  Findings found;
  for (const std::string& stream : opened.file->spec.source.streams) {
    ProbeStream(*opened.file, stream, clock, signals.token(), &found);
  }
  int exit_code = kExitDone;
  const auto report = [&](const Error& error) {
    console.Report(error);
    exit_code = error.kind == ErrorKind::kConfig ? kExitInvalid : kExitCannotConnect;
  };
  json result = {
      {"job", opened.file->spec.name}, {"checks", json::array()}, {"permissions", json::array()}};
  for (const Probe& probe : found.probes) {
    result["checks"].push_back(
        {{"stream", probe.stream},
         {"what", probe.what},
         {"ok", probe.status.has_value()},
         {"error", probe.status ? json() : ErrorJson(probe.status.error())}});
    if (!probe.status) {
      report(probe.status.error());
    } else if (!console.json()) {
      console.Print(probe.stream + ": " + probe.what + " ok");
    }
  }
  for (const StreamAccess& one : found.access) {
    result["permissions"].push_back(AccessJson(one));
    if (!console.json()) console.Print(Line(one));
    if (one.check.error) report(*one.check.error);
  }
  result["ok"] = exit_code == kExitDone;
  if (console.json()) console.Print(Serialize(result));
  return exit_code;
}

int CheckSecrets(const JobFileOptions& options, Console& console) {
  const OpenedJobFile opened = OpenJobFile(options, console);
  if (!opened.file) return opened.exit_code;
  int exit_code = kExitDone;
  json items = json::array();
  const std::string project = SecretProjectOf(opened.file->spec);
  for (const SecretReference& found : SecretResolver::References(opened.file->spec.definition)) {
    if (found.reference.starts_with("plain:")) continue;
    const Result<std::string> value = opened.file->secrets.ResolveOne(found.reference, project);
    items.push_back(
        {{"path", found.path}, {"reference", found.reference}, {"ok", value.has_value()}});
    if (!console.json()) {
      console.Print(found.path + ": " + found.reference + (value ? " ok" : " missing"));
    }
    if (value) continue;
    console.Report(value.error());
    exit_code = kExitInvalid;
  }
  if (console.json()) console.Print(json{{"items", items}}.dump());
  return exit_code;
}

}  // namespace bizond
