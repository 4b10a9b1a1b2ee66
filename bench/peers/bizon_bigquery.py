"""bizon's own BigQuery destinations, run against an emulator: its command line, and how it finds the service.

    PYTHON bizon_bigquery.py PIPELINE.yml

PYTHON has bizon[bigquery]; $BIGQUERY_EMULATOR_HOST is the REST, $BIGQUERY_STORAGE_EMULATOR_HOST the Write API,
$BENCH_OBJECTS the folder that the emulator reads gs:// from. bizon has no setting for an endpoint, and its
clients ask for Google's credentials, so these are replaced here, and no more:

- the credentials are anonymous, the channel of the Write API is a plain one (one client an append, as bizon
  has it), and the default stream has the name under which the emulator knows it;
- an object of the bucket is a file of that folder, which spares bizon the upload;
- a Parquet file has its columns in the order of the schema, since the emulator takes them by their place.

As a module it is bizon's source, the lines of a file; see Lines."""
import os
import pathlib
import sys

import orjson
from bizon.source.config import SourceConfig
from bizon.source.models import SourceIteration, SourceRecord
from bizon.source.source import AbstractSource

COLUMNS = ["_source_record_id", "_source_timestamp", "_source_data", "_bizon_extracted_at", "_bizon_loaded_at",
           "_bizon_id"]


class LinesConfig(SourceConfig):
    location: str
    page: int = 10_000


class Lines(AbstractSource):
    """A page of lines an iteration, as large as is good for bizon."""

    def __init__(self, config):
        super().__init__(config)
        self.file = open(config.location, "rb")

    @staticmethod
    def streams():
        return ["records"]

    @staticmethod
    def get_config_class():
        return LinesConfig

    def get_authenticator(self):
        return None

    def check_connection(self):
        return True, None

    def get_total_records_count(self):
        return None

    def get(self, pagination=None):
        self.file.seek((pagination or {}).get("offset", 0))
        lines = [line for line in (self.file.readline() for _ in range(self.config.page)) if line]
        records = [SourceRecord(id=str(data["id"]), data=data) for data in map(orjson.loads, lines)]
        more = {"offset": self.file.tell()} if len(lines) == self.config.page else {}
        return SourceIteration(records=records, next_pagination=more)


def point_at_the_emulator():
    import bizon.connectors.destinations.bigquery.src.destination as batch
    import bizon.connectors.destinations.bigquery_streaming_v2.src.destination as v2
    import google.auth
    import google.auth.credentials
    import grpc
    from google.cloud import storage
    from google.cloud.bigquery_storage_v1 import BigQueryWriteClient
    from google.cloud.bigquery_storage_v1.services.big_query_write.transports import BigQueryWriteGrpcTransport

    google.auth.default = lambda *_, **__: (google.auth.credentials.AnonymousCredentials(), "p1")
    # The client of the bucket is made, and its calls are replaced.
    os.environ.setdefault("STORAGE_EMULATOR_HOST", "http://127.0.0.1:9")
    objects = pathlib.Path(os.environ["BENCH_OBJECTS"])

    def put(blob, stream, **_):
        path = objects / blob.bucket.name / blob.name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(stream.read())

    storage.Blob.upload_from_file = put
    storage.Blob.delete = lambda blob, **_: (objects / blob.bucket.name / blob.name).unlink()
    renamed = batch.BigQueryDestination._rename_for_bq
    batch.BigQueryDestination._rename_for_bq = staticmethod(lambda rows: renamed(rows).select(COLUMNS))

    class Client:
        table_path = BigQueryWriteClient.table_path

        def __init__(self, **_):
            channel = grpc.insecure_channel(os.environ["BIGQUERY_STORAGE_EMULATOR_HOST"])
            self.client = BigQueryWriteClient(transport=BigQueryWriteGrpcTransport(channel=channel))

        def append_rows(self, requests):
            def named():
                for request in requests:
                    request.write_stream = request.write_stream.replace("/_default", "/streams/_default")
                    yield request
            return self.client.append_rows(named())

    v2.BigQueryWriteClient = Client


if __name__ == "__main__":
    from bizon.cli.main import cli

    point_at_the_emulator()
    cli(["run", sys.argv[1]])
