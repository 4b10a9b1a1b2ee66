// JobsFolder: jobs as files, applied at the start and whenever they change.
//
// Every *.yml, *.yaml and *.json directly in the folder is one job, managed_by "file". A file that
// does not parse, or whose change needs a word on the state, is said in the log and leaves the
// version that is in force; a file that goes away takes its job with it. The folder is looked at
// once a second.
//
// Threads: Start and Stop belong to one thread; the folder has one of its own.
#ifndef BIZOND_SCHEDULER_JOBS_FOLDER_H_
#define BIZOND_SCHEDULER_JOBS_FOLDER_H_

#include <filesystem>
#include <map>
#include <stop_token>
#include <string>
#include <thread>

#include "base/clock.h"
#include "base/fs.h"
#include "scheduler/job_service.h"

namespace bizond {

class JobsFolder {
 public:
  JobsFolder(const std::filesystem::path& folder, JobService* service, Store* store, Clock* clock);
  ~JobsFolder();
  JobsFolder(const JobsFolder&) = delete;
  JobsFolder& operator=(const JobsFolder&) = delete;

  // Applies what is there (plain secrets are known before the first run), then follows it. Fails
  // when the folder cannot be read; a bad file in it is no failure.
  Status Start();
  void Stop();

 private:
  struct Known {
    FileInfo info;
    std::string job;        // Empty: the file holds no valid job.
    std::string waits_for;  // The job whose held run its change waits for; empty: for none.
  };

  Status ApplyChanges(bool first);
  // Whether what a file's change waited for is over.
  bool MayTryAgain(const Known& known) const;
  void ApplyFile(const std::filesystem::path& path, Known* known);
  // Jobs of this folder whose file is not there or holds another one, also from before this
  // daemon's start.
  void RemoveJobsWithoutFile();

  const std::filesystem::path folder_;
  JobService* const service_;
  Store* const store_;
  Clock* const clock_;
  std::map<std::filesystem::path, Known> known_;
  std::stop_source stopping_;
  std::thread thread_;
};

}  // namespace bizond

#endif  // BIZOND_SCHEDULER_JOBS_FOLDER_H_
