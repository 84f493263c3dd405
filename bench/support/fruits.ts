/** The fruits row's augmentation, as bench/keras_finetune.py has it. */
export const ROW_AUGMENTATION = `augmentation:
  rotationRange: 40
  widthShiftRange: 0.1
  heightShiftRange: 0.1
  shearRange: 0.2
  zoomRange: 0.2
  horizontalFlip: true
  fillMode: nearest`
