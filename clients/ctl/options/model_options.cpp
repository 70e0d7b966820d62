// See model_options.hpp.
#include "clients/ctl/options/model_options.hpp"

#include <CLI/CLI.hpp>

namespace vultus::ctl {
namespace {

CLI::App* add(CLI::App& parent, arguments& asked, const char* name, const char* text,
              command what) {
    CLI::App* sub = parent.add_subcommand(name, text);
    sub->callback([&asked, what] { asked.what = what; });
    return sub;
}

void describe_files(CLI::App& models, arguments& asked) {
    model_words& words = asked.model;
    CLI::App* fetch =
        add(models, asked, "fetch", "fetch model files (config/fetch.py) and check all",
            command::models_fetch);
    CLI::App* check = add(models, asked, "check", "read, import and run each model of this host",
                          command::models_check);
    CLI::App* bench = add(models, asked, "bench", "milliseconds a face or picture, one thread",
                          command::models_bench);
    for (CLI::App* sub : {fetch, check, bench}) {
        sub->add_option("names", words.names, "only these models");
    }
    CLI::App* made =
        add(models, asked, "add", "make an embedder of an ONNX file", command::models_add);
    made->add_option("file", asked.file)->required();
    made->add_option("--template", words.alignment, "how faces are cut out")
        ->check(CLI::IsMember({"arcface112", "omz"}))
        ->required();
    made->add_option("--name", words.name, "its name; without it that of the file");
    made->add_option("--mean", words.mean, "the network gets (v - mean) * scale of a byte v (0)");
    made->add_option("--scale", words.scale, "see --mean (1)");
    made->add_option("--channels", words.channels, "rgb or bgr")
        ->check(CLI::IsMember({"rgb", "bgr"}))
        ->capture_default_str();
    made->add_option("--distance", words.distance, "largest distance of two photos of one person");
    made->add_option("--licence", words.licence, "shown with the model");
    made->add_option("--training", words.training, "what is known of its training data");
    made->add_flag("--replace", words.replace, "exchange the model of that name");
    for (CLI::App* sub : {fetch, check, bench, made}) {
        sub->add_option("--folder", words.folder, "worker.models")->capture_default_str();
    }
}

}  // namespace

void describe_models(CLI::App& app, arguments& asked) {
    CLI::App* models = app.add_subcommand(
        "models", "detectors and embedders: list, default, fetch, check, bench, add");
    models->require_subcommand(1);
    add(*models, asked, "list", "what the workers have, the defaults, and the licences",
        command::models_list);
    CLI::App* set =
        add(*models, asked, "default", "what is used where nobody chooses; collections keep theirs",
            command::models_default);
    set->add_option("--detector", asked.detector, "detector of requests that name none");
    set->add_option("--embedder", asked.embedder, "embedder of collections without faces");
    set->add_flag("--force", asked.force, "also a model that no worker has");
    describe_files(*models, asked);
    CLI::App* collections = app.add_subcommand("collections", "collections: model");
    collections->require_subcommand(1);
    CLI::App* model = add(*collections, asked, "model",
                          "embed a collection again with another model, from its pictures",
                          command::collection_model);
    model->add_option("collection", asked.subject)->required();
    model->add_option("embedder", asked.embedder, "for instance omz_0095/unit")->required();
    model->add_flag("--forget-without-pictures", asked.forget_unpictured,
                    "remove the faces that have no usable picture");
    model->add_flag("--wait", asked.wait, "until it has ended, with its progress");
}

}  // namespace vultus::ctl
