/** @file Cross-entropy that stays exact when it is tiny and finite when logits are huge; accuracy. */
import * as tf from '@tensorflow/tfjs-core';

/**
 * Mean cross-entropy in nats, with its own gradient.
 *
 * With d_j = l_j − l_y and m = max_j d_j ≥ 0 (d_y is 0), and S = Σ_{j≠y} exp(d_j − m), the loss of a row is
 * m + log(e^{−m} + S) = m + log1p(expm1(−m) + S). For m = 0 this is log1p(Σ_{j≠y} exp d_j), exact down to the smallest
 * float, where log-softmax returns 0 below 1e-7; no exponent is ever positive. The gradient is P_j = exp(d_j − m)/(e^{−m} + S)
 * off the label and −Σ P_j on it, which keeps its relative precision too.
 * @param logits [rows, classes]
 * @param oneHot [rows, classes], float32: 1 at the label
 */
export function crossEntropy(logits: tf.Tensor2D, oneHot: tf.Tensor2D): tf.Scalar {
  const [rows] = logits.shape;
  const notLabel = tf.sub(1, oneHot);
  const loss = tf.customGrad((x, save) => {
    const l = x as tf.Tensor2D;
    const labelLogit = tf.sum(tf.mul(l, oneHot), 1, true); // [rows, 1]
    const m = tf.sub(tf.max(l, 1, true), labelLogit); // [rows, 1]
    const shift = tf.add(labelLogit, m);
    const others = tf.mul(tf.exp(tf.sub(l, shift)), notLabel); // [rows, classes]
    const sum = tf.sum(others, 1, true); // [rows, 1]
    const value = tf.mean(tf.add(m, tf.log1p(tf.add(tf.expm1(tf.neg(m)), sum))));
    const total = tf.add(tf.exp(tf.neg(m)), sum);
    // Saved, not closed over: run eagerly, tfjs frees everything else before the gradient is asked for.
    (save as tf.GradSaveFunc)([others, sum, total, oneHot]);
    const gradFunc = (dy: tf.Tensor, [others, sum, total, oneHot]: tf.Tensor[]) => {
      const scale = tf.div(tf.div(dy, rows), total as tf.Tensor); // [rows, 1]
      return tf.sub(
        tf.mul(others as tf.Tensor, scale),
        tf.mul(oneHot as tf.Tensor, tf.mul(sum as tf.Tensor, scale)),
      );
    };
    return { value, gradFunc };
  });
  return loss(logits) as tf.Scalar;
}

/**
 * Share of rows that are right, 0 to 1: those whose largest logit is the label's, in each of their answers.
 * @param logits [answers · rows, classes]: the first answer of all rows, then the second
 * @param targets [answers · rows], int32
 * @param answers Predicted tokens a row; with two, one wrong makes the row wrong, as in the code released with Power et al.
 */
export function accuracy(logits: tf.Tensor2D, targets: tf.Tensor1D, answers = 1): tf.Scalar {
  const right: tf.Tensor1D = tf.cast(tf.equal(tf.argMax(logits, 1), targets), 'float32');
  if (answers === 1) return tf.mean(right);
  return tf.mean(tf.min(tf.reshape(right, [answers, -1]), 0));
}
