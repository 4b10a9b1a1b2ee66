// LoadFiles: where the files of load jobs lie until the jobs have read them.
//
// Without a bucket they lie in the state directory (table_folder.h) and are sent with the job;
// with `gcs_buffer_bucket` they are objects that the job is pointed to. Either way a file is
// durable once it is put, its name holds the hash of its bytes, and so a name stands for one
// content for good.
//
// Threads: one thread at a time, but that Start may run beside a Put or a Remove of other files.
#ifndef BIZOND_DESTINATIONS_BIGQUERY_LOAD_FILES_H_
#define BIZOND_DESTINATIONS_BIGQUERY_LOAD_FILES_H_

#include <memory>
#include <nlohmann/json.hpp>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "base/fs.h"
#include "destinations/google/bigquery_api.h"

namespace bizond {

class LoadFiles {
 public:
  virtual ~LoadFiles() = default;
  // Durable when it returns; a file of that name has these bytes already. The pieces make one file.
  virtual Status Put(const std::string& name, const std::vector<std::string>& pieces,
                     std::stop_token stop) = 0;
  // What was put. Code staging_lost when it is gone.
  virtual Result<std::string> Read(const std::string& name, std::stop_token stop) = 0;
  // No error when it is absent.
  virtual Status Remove(const std::string& name, std::stop_token stop) = 0;
  // Removes every file of this target but those.
  virtual Status RemoveOthers(const std::vector<std::string>& kept, std::stop_token stop) = 0;
  // Starts (or finds) the load job. `load`: its configuration without a source.
  virtual Result<BigQueryJob> Start(BigQueryApi* api, const std::string& id, nlohmann::json load,
                                    const std::vector<std::string>& files,
                                    std::stop_token stop) = 0;
  // How many files a job can read.
  virtual size_t FilesPerJob() const = 0;
  // That files can be put at all.
  virtual Status Check(std::stop_token stop) = 0;
};

// `owner` tells the files of one target and store from all others: [a-z0-9] only.
std::unique_ptr<LoadFiles> MakeLocalFiles(Location folder, std::string owner);
std::unique_ptr<LoadFiles> MakeBucketFiles(GoogleTransport* transport, std::string endpoint,
                                           std::string bucket, std::string owner,
                                           size_t files_per_job);

}  // namespace bizond

#endif  // BIZOND_DESTINATIONS_BIGQUERY_LOAD_FILES_H_
