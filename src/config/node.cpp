#include "config/node.hpp"

#include <algorithm>
#include <charconv>

namespace gh::config {

Node Node::scalar(std::string text, bool quoted, Position at) {
    Node node;
    node.kind_ = Kind::scalar;
    node.text_ = std::move(text);
    node.quoted_ = quoted;
    node.at_ = at;
    return node;
}

Node Node::null(Position at) {
    Node node;
    node.at_ = at;
    return node;
}

Node Node::sequence(Position at) {
    Node node;
    node.kind_ = Kind::sequence;
    node.at_ = at;
    return node;
}

Node Node::map(Position at) {
    Node node;
    node.kind_ = Kind::map;
    node.at_ = at;
    return node;
}

const Node* Node::find(std::string_view name) const {
    for (std::size_t i = 0; i < keys_.size(); ++i) {
        if (keys_[i].name == name) return &children_[i];
    }
    return nullptr;
}

void Node::put(Key key, Node child) {
    keys_.push_back(std::move(key));
    children_.push_back(std::move(child));
}

Position locate(const Node& tree, std::string_view path) {
    const Node* node = &tree;
    while (!path.empty() && node != nullptr) {
        const Node* next = nullptr;
        if (path.front() == '[') {
            std::size_t index = 0;
            const auto [end, error] =
                std::from_chars(path.data() + 1, path.data() + path.size(), index);
            if (error == std::errc{} && index < node->size()) next = &node->child(index);
            path.remove_prefix(static_cast<std::size_t>(end - path.data()) + 1);
        } else {
            if (path.front() == '.') path.remove_prefix(1);
            const auto end = std::min(path.find_first_of(".["), path.size());
            next = node->find(path.substr(0, end));
            path.remove_prefix(end);
        }
        if (next == nullptr) break;
        node = next;
    }
    return node->at();
}

std::string_view name_of(Node::Kind kind) {
    switch (kind) {
        case Node::Kind::null: return "nothing";
        case Node::Kind::scalar: return "a single value";
        case Node::Kind::sequence: return "a list";
        case Node::Kind::map: return "a map";
    }
    return "nothing";
}

}  // namespace gh::config
