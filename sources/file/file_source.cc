#include "sources/file/file_source.h"

#include <utility>

#include "sources/file/bounded_reader.h"
#include "sources/file/file_config.h"
#include "sources/file/file_follower.h"
#include "sources/file/file_list.h"

namespace bizond {
namespace {

class FileSource final : public Source {
 public:
  FileSource(const FileConfig& config, const ConnectorArgs& args)
      : config_(config),
        roots_(args.roots),
        mode_(args.job.source.sync_mode),
        by_position_(args.job.source.cursor_field.empty()),
        bounded_(config, args.roots, args.job.source.on_error, !by_position_),
        follower_(config, args.roots, args.job.source.on_error, args.clock) {}

  // Opens every file once: what cannot be read is found before a run.
  Status CheckConnection(std::stop_token stop) override {
    BIZOND_ASSIGN_OR_RETURN(const FileList list, ListFiles(roots_, config_.path));
    if (list.files.empty() && mode_ == SyncMode::kFullRefresh) return NoFiles(config_.path);
    for (const ListedFile& file : list.files) {
      if (stop.stop_requested()) {
        return tl::make_unexpected(StoppedError("checking " + config_.path));
      }
      BIZOND_RETURN_IF_ERROR(list.root.OpenFile(file.name, OpenMode::kRead));
    }
    return {};
  }

  Result<Iteration> Read(const ReadRequest& request, std::string_view pagination,
                         RecordBatch* batch, std::stop_token stop) override {
    if (request.mode == SyncMode::kStream) {
      return follower_.Read(request, pagination, batch, std::move(stop));
    }
    return bounded_.Read(request, pagination, batch, std::move(stop));
  }

  // By position every page ends at a place that the next run can go on from.
  bool ReadsInCursorOrder() const override { return by_position_; }

 private:
  const FileConfig config_;
  const Roots roots_;
  const SyncMode mode_;
  const bool by_position_;
  BoundedReader bounded_;
  FileFollower follower_;
};

}  // namespace

Result<std::unique_ptr<Source>> OpenFileSource(const ConnectorArgs& args) {
  BIZOND_ASSIGN_OR_RETURN(const FileConfig config, ParseFileConfig(args.config));
  return std::make_unique<FileSource>(config, args);
}

std::span<const StreamInfo> FileStreams() { return {}; }

}  // namespace bizond
