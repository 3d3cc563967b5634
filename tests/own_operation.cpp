// A library with an operation of a model's own, for the tests: my.ops.Wobble doubles its input.
#include <openvino/core/op_extension.hpp>
#include <openvino/frontend/onnx/extension/conversion.hpp>
#include <openvino/op/op.hpp>

class Wobble : public ov::op::Op {
public:
    OPENVINO_OP("Wobble", "my.ops");

    Wobble() = default;

    explicit Wobble(const ov::Output<ov::Node>& x) : Op({x}) {
        constructor_validate_and_infer_types();
    }

    void validate_and_infer_types() override {
        set_output_type(0, get_input_element_type(0), get_input_partial_shape(0));
    }

    std::shared_ptr<ov::Node> clone_with_new_inputs(const ov::OutputVector& inputs) const override {
        return std::make_shared<Wobble>(inputs.at(0));
    }

    bool visit_attributes(ov::AttributeVisitor&) override {
        return true;
    }

    bool has_evaluate() const override {
        return true;
    }

    bool evaluate(ov::TensorVector& outputs, const ov::TensorVector& inputs) const override {
        outputs[0].set_shape(inputs[0].get_shape());
        const auto* from = inputs[0].data<float>();
        auto* to = outputs[0].data<float>();
        for (size_t i = 0; i < inputs[0].get_size(); ++i)
            to[i] = 2 * from[i];
        return true;
    }
};

OPENVINO_CREATE_EXTENSIONS(std::vector<ov::Extension::Ptr>(
    {std::make_shared<ov::OpExtension<Wobble>>(),
     std::make_shared<ov::frontend::onnx::ConversionExtension>(
         "Wobble", "my.ops", [](const ov::frontend::NodeContext& node) -> ov::OutputVector {
             return {std::make_shared<Wobble>(node.get_input(0))};
         })}));
