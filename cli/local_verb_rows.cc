// From arguments to the functions that main hands over.
#include "cli/verb.h"

namespace bizond {
namespace {

void FillJobFile(const Invocation& invocation, JobFileOptions* options) {
  const Arguments& arguments = invocation.arguments;
  options->job_file = arguments.operands().at(0);
  options->env_file = arguments.Text("--env-file");
  options->state_dir = arguments.Text("--state-dir");
  options->streams = arguments.All("--stream");
  options->json = invocation.console.json();
  if (arguments.Has("--log-level")) {
    ParseLogLevel(arguments.Text("--log-level"), &options->log_level);
  }
  ConfigureLog(options->log_level, LogFormat::kText);
}

JobFileOptions JobFileOf(const Invocation& invocation) {
  JobFileOptions options;
  FillJobFile(invocation, &options);
  return options;
}

// A binary may be built without a part.
template <typename Function, typename... Args>
int CallIfPresent(const Invocation& invocation, const Function& function, Args&&... args) {
  if (function) return function(std::forward<Args>(args)..., invocation.console);
  invocation.console.Report(Error{ErrorKind::kConfig, "not_in_this_binary",
                                  "this binary was built without this verb",
                                  "use the packaged bizond"});
  return kExitUsage;
}

}  // namespace

int ServeVerb(const Invocation& invocation) {
  const Arguments& arguments = invocation.arguments;
  ServeOptions options;
  options.state_dir = arguments.Text("--state-dir");
  options.listen = arguments.Text("--listen", options.listen);
  options.jobs_dir = arguments.Text("--jobs-dir");
  options.data_dir = arguments.Text("--data-dir");
  options.roots = arguments.All("--root");
  options.pools = arguments.All("--pool");
  options.config = arguments.Text("--config");
  if (arguments.Has("--log-level")) {
    ParseLogLevel(arguments.Text("--log-level"), &options.log_level);
  }
  if (arguments.Text("--log-format") == "json") options.log_format = LogFormat::kJson;
  ConfigureLog(options.log_level, options.log_format);
  return CallIfPresent(invocation, invocation.local.serve, options);
}

int RunVerb(const Invocation& invocation) {
  RunOptions options;
  FillJobFile(invocation, &options);
  options.reset = invocation.arguments.Has("--reset");
  options.state = invocation.arguments.Text("--state");
  options.wait = invocation.arguments.Has("--wait");
  options.max_iterations = invocation.arguments.Number("--max-iterations");
  options.approve = invocation.arguments.Has("--approve");
  options.discard = invocation.arguments.Has("--discard");
  if (options.approve && (options.discard || options.reset)) {
    invocation.console.Report(Error{ErrorKind::kConfig, "bad_usage",
                                    "--approve publishes what is staged, and nothing beside it",
                                    "do without --discard and --reset"});
    return kExitUsage;
  }
  return CallIfPresent(invocation, invocation.local.run, options);
}

int CheckVerb(const Invocation& invocation) {
  return CallIfPresent(invocation, invocation.local.check, JobFileOf(invocation));
}

int PlanVerb(const Invocation& invocation) {
  return CallIfPresent(invocation, invocation.local.plan, JobFileOf(invocation));
}

int SecretsCheckVerb(const Invocation& invocation) {
  return CallIfPresent(invocation, invocation.local.secrets_check, JobFileOf(invocation));
}

int StreamResetVerb(const Invocation& invocation) {
  StreamResetOptions options;
  FillJobFile(invocation, &options);
  options.cancel = invocation.arguments.Has("--cancel");
  return CallIfPresent(invocation, invocation.local.stream_reset, options);
}

int BackupVerb(const Invocation& invocation) {
  return CallIfPresent(invocation, invocation.local.backup, invocation.arguments.operands().at(0),
                       invocation.arguments.Text("--state-dir"));
}

int RestoreVerb(const Invocation& invocation) {
  return CallIfPresent(invocation, invocation.local.restore, invocation.arguments.operands().at(0),
                       invocation.arguments.Text("--state-dir"));
}

int DoctorVerb(const Invocation& invocation) {
  return CallIfPresent(invocation, invocation.local.doctor,
                       invocation.arguments.Text("--state-dir"));
}

int NewVerb(const Invocation& invocation) {
  const std::string& kind = invocation.arguments.operands().at(0);
  const std::string& name = invocation.arguments.operands().at(1);
  const auto lay_out = [&](const std::string&, const std::string&, Console& console) -> int {
    if (kind != "source" && kind != "destination") {
      console.Report(Error{ErrorKind::kConfig, "bad_usage",
                           "a connector is a source or a destination, not \"" + kind + "\"",
                           "bizond new destination NAME"});
      return kExitUsage;
    }
    const Status status = invocation.local.scaffold(kind, name);
    if (status) {
      console.Note("laid out " + kind + "s/" + name + ": read docs/adding-a-destination.md");
      return kExitDone;
    }
    console.Report(status.error());
    return status.error().kind == ErrorKind::kConfig ? kExitUsage : kExitFailed;
  };
  const std::function<int(const std::string&, const std::string&, Console&)> function =
      invocation.local.scaffold
          ? std::function<int(const std::string&, const std::string&, Console&)>(lay_out)
          : nullptr;
  return CallIfPresent(invocation, function, kind, name);
}

}  // namespace bizond
