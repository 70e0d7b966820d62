// See compat_options.hpp.
#include "clients/ctl/options/compat_options.hpp"

#include <CLI/CLI.hpp>

namespace vultus::ctl {

void describe_compat(CLI::App& app, arguments& asked) {
    CLI::App* compat = app.add_subcommand("compat", "calls of other services: key create");
    compat->require_subcommand(1);
    CLI::App* key = compat->add_subcommand("key", "keys of their clients: create");
    key->require_subcommand(1);
    auto& words = asked.key;
    CLI::App* create =
        key->add_subcommand("create", "create a UUID for one service and collection");
    create->callback([&asked] { asked.what = command::key_create; });
    create->add_option("--service", words.service, "compreface, deepstack or nextcloud")
        ->required();
    create->add_option("--collection", words.collections, "the collection")->required();
    create->add_option("--quota", words.quota, "request quota, such as 600/min; 0: no limit");
    create->add_option("--image-quota", words.image_quota, "photo byte quota, such as 100MiB/min");
    create->add_option("--jobs", words.jobs, "unfinished jobs at one time");
    create->add_option("--expires", words.expires, "lifetime, such as 90d");
    create->add_option("--note", words.note, "note, such as the owner");
    create->add_option("--secret", words.secret, "api.secret_file (<data>/access.secret)");
}

}  // namespace vultus::ctl
